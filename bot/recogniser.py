"""Turning a voice into text: what we need of such a service, and the usual HTTP one (OpenAI's form, also self-hosted).

What comes back is a machine's guess and counts as nothing more: it is screened, never trusted instead of listening.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Protocol

import httpx

_LARGEST_ANSWER = 1024 * 1024
_LONGEST_TEXT = 64 * 1024
_NOT_FOR_US = frozenset({400, 413, 415, 422})  # this voice, not this moment
_SUFFIXES = {  # such services go by the name of the file
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/ogg": "ogg",
    "audio/silk": "silk",
    "audio/wav": "wav",
    "video/mp4": "mp4",
    "video/webm": "webm",
}


class RecogniserFailed(Exception):
    """The recogniser gives no usable answer now; try again later."""


class RecogniserRefused(Exception):
    """The recogniser cannot make anything of this voice."""


class Recogniser(Protocol):
    """Hears voices."""

    @property
    def name(self) -> str:
        """The model's name, kept beside every transcript."""
        ...

    async def hear(self, body: bytes, media_type: str) -> str:
        """The words of a voice, empty where there are none; raise RecogniserFailed or RecogniserRefused."""
        ...


@dataclass(frozen=True)
class HttpRecogniser:
    """POST {url}/v1/audio/transcriptions."""

    http: httpx.AsyncClient
    url: str
    key: str
    name: str
    timeout_s: float

    async def hear(self, body: bytes, media_type: str) -> str:
        """One try, bounded in time and in the size of the answer."""
        try:
            async with asyncio.timeout(self.timeout_s):
                status, answer = await self._ask(body, media_type)
        except (httpx.HTTPError, TimeoutError) as error:
            raise RecogniserFailed(type(error).__name__) from error
        if status in _NOT_FOR_US:
            raise RecogniserRefused(f"status {status}")
        if status != 200:
            raise RecogniserFailed(f"status {status}")
        return _words(answer)

    async def _ask(self, body: bytes, media_type: str) -> tuple[int, bytes]:
        name = f"voice.{_SUFFIXES.get(media_type, 'bin')}"
        request = self.http.build_request(
            "POST", f"{self.url}/v1/audio/transcriptions", files={"file": (name, body, media_type)},
            data={"model": self.name, "language": "zh", "response_format": "json"},
            headers={"Authorization": f"Bearer {self.key}"} if self.key else {}, timeout=self.timeout_s,
        )  # fmt: skip
        response = await self.http.send(request, stream=True)
        try:
            answer = bytearray()
            async for chunk in response.aiter_bytes():
                answer += chunk
                if len(answer) > _LARGEST_ANSWER:
                    raise RecogniserFailed("endless answer")
            return response.status_code, bytes(answer)
        finally:
            await response.aclose()


def _words(answer: bytes) -> str:
    try:
        text = json.loads(answer)["text"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise RecogniserFailed("no transcript in the answer") from error
    if not isinstance(text, str) or len(text.encode("utf-8", "surrogatepass")) > _LONGEST_TEXT:
        raise RecogniserFailed("no transcript in the answer")
    return text.strip()
