"""How long each step took, and a line about it for whoever watches. Times go to run.json and standard error only."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Timing:
    """Collects the steps of one process; tells ``say`` about them."""

    say: Callable[[str], None] = lambda _: None
    verbose: bool = False
    steps: list[tuple[str, str, float]] = field(default_factory=list)
    calls: list[tuple[str, float, str]] = field(default_factory=list)
    _phase: str = ""

    def on_start(self, phase: str, agent: str) -> None:
        """A step begins: each phase is announced once."""
        if phase != self._phase:
            self._phase = phase
            self.say(phase)

    def on_end(self, phase: str, agent: str, seconds: float) -> None:
        """A step is done."""
        self.steps.append((phase, agent, seconds))
        if self.verbose:
            self.say(f"  {agent}: {seconds:.2f} s")

    def called(self, model: str, seconds: float, outcome: str) -> None:
        """The model was called once."""
        self.calls.append((model, seconds, outcome))
        if self.verbose or outcome != "answered":
            self.say(f"  {model}: {outcome.replace('_', ' ')} after {seconds:.1f} s")
