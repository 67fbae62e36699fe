"""Record of how long each step took, with progress lines. Times go to run.json and progress only, never into a review."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Timing:
    """The steps and model calls of one process. ``say`` receives each progress line."""

    say: Callable[[str], None] = lambda _: None
    verbose: bool = False
    steps: list[tuple[str, str, float]] = field(default_factory=list)
    calls: list[tuple[str, float, str]] = field(default_factory=list)
    overwrite: Callable[[str], None] | None = None
    """Writes over the last progress line; None where only whole lines can be shown."""
    _phase: str = ""

    def on_start(self, phase: str, agent: str) -> None:
        """Note that a step begins. Each phase is announced once."""
        if phase != self._phase:
            self._phase = phase
            self.say(phase)

    def on_end(self, phase: str, agent: str, seconds: float) -> None:
        """Note that a step is done."""
        self.steps.append((phase, agent, seconds))
        if self.verbose:
            self.say(f"  {agent}: {seconds:.2f} s")

    def called(self, model: str, seconds: float, outcome: str) -> None:
        """Note one call of the model. A call without an answer is always shown."""
        self.calls.append((model, seconds, outcome))
        if self.verbose or outcome != "answered":
            self.say(f"  {model}: {outcome.replace('_', ' ')} after {seconds:.1f} s")
