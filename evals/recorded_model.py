"""Recorded answers of a real model: replayed without a network, recorded again with ``SAVEPLAY_RECORD``.

The body of a request has to be the same, byte for byte. After a change of prompt or data, no old answer is replayed.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from agents.conversation import CallListener, Message, ModelAnswer, ModelClient
from agents.model_client import OpenAIClient
from domain.configuration import Configuration
from domain.errors import Unreachable
from domain.setting import Setting
from evals.cases import FIXTURES

RECORDINGS = FIXTURES / "recorded"
RECORDED_MODEL = "qwen2.5-coder-1.5b-instruct"
RECORDED_MODEL_URL = os.environ.get("SAVEPLAY_RECORD_AT", "http://127.0.0.1:8091/v1")


def recording_mode() -> str | None:
    """``new`` records missing answers, ``tidy`` also drops unused ones, None only replays."""
    return os.environ.get("SAVEPLAY_RECORD")


def has_recording(name: str) -> bool:
    """True if the answers of the session were recorded."""
    return (RECORDINGS / f"{name}.yaml").exists()


@contextmanager
def cassette(name: str) -> Iterator[Any]:
    """Replay the answers of one session. An unknown request is an error unless recording is on."""
    import vcr

    recorder = vcr.VCR(
        record_mode="new_episodes" if recording_mode() else "none",
        match_on=("method", "path", "body"),
        before_record_request=_strip_request,
        before_record_response=_strip_response,
        drop_unused_requests=recording_mode() == "tidy",
    )
    with recorder.use_cassette(str(RECORDINGS / f"{name}.yaml"), allow_playback_repeats=True) as tape:
        yield tape


def _strip_request(request: Any) -> Any:
    """Remove the key and all details of the recording machine."""
    request.headers = {"content-type": "application/json"}
    return request


def _strip_response(response: dict[str, Any]) -> dict[str, Any]:
    """Keep only what the client reads: no date, no server name."""
    kept = {key: value for key, value in response["headers"].items() if key.lower() == "content-type"}
    return {**response, "headers": kept}


def recorded_configuration(shipped: Configuration) -> Configuration:
    """The configuration with the recorded model: one call at a time without time pressure, the other limits as shipped.

    But for questions: a call of a tool takes thirty tokens, and beyond it this model repeats itself up to any limit.
    """

    def number(setting: Setting, value: float) -> Setting:
        return setting.model_copy(update={"value": value})

    model = shipped.model.model_copy(
        update={
            "name": RECORDED_MODEL,
            "url": RECORDED_MODEL_URL,
            "at_once": number(shipped.model.at_once, 1),
            "ask_tokens": number(shipped.model.ask_tokens, 80),
            "timeout": number(shipped.model.timeout, 1200),
            "budget_seconds": number(shipped.model.budget_seconds, 36000),
        }
    )
    return shipped.model_copy(update={"model": model})


class ReplayClient:
    """A client for recorded answers. A request without a recording fails like a model that cannot be reached."""

    def __init__(self, inner: ModelClient) -> None:
        self.inner = inner
        self.missing = 0
        """Requests without a recording so far."""

    async def complete(
        self,
        model: str,
        messages: Sequence[Message],
        schema: Mapping[str, Any] | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> ModelAnswer:
        """The recorded answer. Raises Unreachable when there is none for exactly this request."""
        from vcr.errors import CannotOverwriteExistingCassetteException

        try:
            return await self.inner.complete(model, messages, schema, tools)
        except CannotOverwriteExistingCassetteException:
            self.missing += 1
            raise Unreachable("nothing is recorded for this prompt") from None

    async def close(self) -> None:
        """Close the connections."""
        await self.inner.close()


def build_model_client(configuration: Configuration, heard: CallListener) -> ModelClient:
    """A client for the configured model. The key comes from ``OPENAI_API_KEY``."""
    key = os.environ.get("OPENAI_API_KEY")
    return OpenAIClient(configuration.model, configuration.model.url, key.strip() if key else None, heard)
