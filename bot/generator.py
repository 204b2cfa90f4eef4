"""Asking a generative model for other words: what we need of such a service, and the usual HTTP one.

OpenAI's form, which locally run models speak too. What comes back is a text to be doubted, never an answer.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

_LARGEST_ANSWER = 64 * 1024
_LONGEST_TEXT = 4096
_MOST_TOKENS = 800


class GeneratorFailed(Exception):
    """The model gives no usable text now."""


class Generator(Protocol):
    """Writes a text."""

    @property
    def name(self) -> str:
        """The model's name, kept with every message it wrote."""
        ...

    async def write(self, messages: Sequence[Mapping[str, str]], timeout_s: float) -> str:
        """The model's text; raise GeneratorFailed."""
        ...


@dataclass(frozen=True)
class HttpGenerator:
    """POST {url}/v1/chat/completions."""

    http: httpx.AsyncClient
    url: str
    key: str
    name: str

    async def write(self, messages: Sequence[Mapping[str, str]], timeout_s: float) -> str:
        """One try, bounded in time and in the size of the answer; a redirect is a failure."""
        try:
            async with asyncio.timeout(timeout_s):
                status, answer = await self._ask(messages, timeout_s)
        except (httpx.HTTPError, TimeoutError) as error:
            raise GeneratorFailed(type(error).__name__) from error
        if status != 200:
            raise GeneratorFailed(f"status {status}")
        return _text(answer)

    async def _ask(self, messages: Sequence[Mapping[str, str]], timeout_s: float) -> tuple[int, bytes]:
        request = self.http.build_request(
            "POST", f"{self.url}/v1/chat/completions",
            json={
                "model": self.name, "messages": list(messages), "temperature": 0.2, "max_tokens": _MOST_TOKENS, "n": 1,
                "stream": False,
            },
            headers={"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {self.key}"} if self.key else {}),
            timeout=timeout_s,
        )  # fmt: skip
        response = await self.http.send(request, stream=True, follow_redirects=False)
        try:
            answer = bytearray()
            async for chunk in response.aiter_raw():
                answer += chunk
                if len(answer) > _LARGEST_ANSWER:
                    raise GeneratorFailed("endless answer")
            return response.status_code, bytes(answer)
        finally:
            await response.aclose()


def _text(answer: bytes) -> str:
    """The one finished text of an answer; whatever else there is, there is none."""
    try:
        (choice,) = json.loads(answer)["choices"]
        text = _finished(choice)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise GeneratorFailed("no text in the answer") from error
    if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST_TEXT:
        raise GeneratorFailed("no text in the answer")
    return text.strip()


def _finished(choice: Any) -> Any:  # Any: JSON
    """What a choice says, unless it was cut, refused or wants a tool."""
    message = choice["message"]
    if choice["finish_reason"] != "stop" or message.get("refusal") or message.get("tool_calls"):
        raise GeneratorFailed("not a finished text")
    return message["content"]
