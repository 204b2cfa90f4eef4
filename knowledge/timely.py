"""An encoder that may be slow or fail, made safe for people who wait: one question at a time, given up in time.

Whoever asks gets a vector or an EncoderError soon, and then answers by words (`answers.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread

from knowledge.encoder import Encoder, EncoderError, Floats

PATIENCE_S = 2.0
"""A person reads on after so long; another worker takes a message up after 10 s (HOTLINE_HANDLING_LEASE_S)."""


class TimelyEncoder:
    """Another encoder on a thread of its own. The thread is a daemon: one that hangs does not hold up the end."""

    def __init__(self, encoder: Encoder, patience_s: float = PATIENCE_S) -> None:
        self._encoder, self._patience_s = encoder, patience_s
        self._waiting: SimpleQueue[tuple[Sequence[str], Future[Floats]]] = SimpleQueue()
        self._overdue: Future[Floats] | None = None
        Thread(target=self._work, name="encoder", daemon=True).start()

    @property
    def id(self) -> str:
        """That of the other."""
        return self._encoder.id

    @property
    def topics(self) -> Mapping[str, Floats]:
        """Those of the other."""
        return self._encoder.topics

    def encode(self, texts: Sequence[str]) -> Floats:
        """Vectors in time, or EncoderError: at once while an earlier question still holds the thread up."""
        if self._overdue is not None and not self._overdue.done():
            raise EncoderError(f"{self.id} still works on an earlier question")
        job: Future[Floats] = Future()
        self._waiting.put((texts, job))
        try:
            fault = job.exception(self._patience_s)
        except TimeoutError as error:
            if not job.cancel():
                self._overdue = job
            raise EncoderError(f"{self.id} took longer than {self._patience_s:g} s") from error
        if fault is not None:
            raise EncoderError(f"{self.id} failed: {type(fault).__name__}") from fault
        return job.result()

    def _work(self) -> None:
        while True:
            texts, job = self._waiting.get()
            if not job.set_running_or_notify_cancel():
                continue
            try:
                job.set_result(self._encoder.encode(texts))
            except Exception as error:  # whatever a foreign model raises belongs to whoever asked
                job.set_exception(error)
