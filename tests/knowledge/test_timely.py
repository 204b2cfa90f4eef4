"""An encoder that is slow or breaks gives an error soon, and vectors again when it has recovered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from threading import Event, Thread

import numpy as np
import pytest

from knowledge.encoder import EncoderError, Floats, StaticEncoder
from knowledge.timely import TimelyEncoder

SOON_S, LONG_S = 0.05, 30.0


class Held:
    """Encodes when it is let go."""

    id, topics = "held", {"E901": np.ones(2, dtype=np.float32)}

    def __init__(self) -> None:
        self.began, self.go = Event(), Event()
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> Floats:
        self.began.set()
        assert self.go.wait(LONG_S)
        self.texts.extend(texts)
        return np.ones((len(texts), 2), dtype=np.float32)


class Broken:
    id = "broken"
    topics: Mapping[str, Floats] = {}

    def encode(self, texts: Sequence[str]) -> Floats:
        raise MemoryError("the words of a person")


@pytest.fixture
def held() -> Iterator[Held]:
    made = Held()
    yield made
    made.go.set()


def test_vectors_are_those_of_the_encoder(encoder: StaticEncoder) -> None:
    timely = TimelyEncoder(encoder, LONG_S)
    assert np.array_equal(timely.encode(["失眠"]), encoder.encode(["失眠"]))
    assert (timely.id, timely.topics) == (encoder.id, encoder.topics)


def test_whoever_waits_too_long_is_told(held: Held) -> None:
    with pytest.raises(EncoderError, match=r"held took longer than 0\.05 s"):
        TimelyEncoder(held, SOON_S).encode(["失眠"])


def test_while_a_question_is_stuck_the_next_does_not_wait(held: Held) -> None:
    timely = TimelyEncoder(held, SOON_S)
    for expected in ("took longer", "still works on an earlier question"):
        with pytest.raises(EncoderError, match=expected):
            timely.encode(["失眠"])


def test_after_the_slow_question_it_answers_again(held: Held) -> None:
    timely = TimelyEncoder(held, SOON_S)
    with pytest.raises(EncoderError):
        timely.encode(["一"])
    held.go.set()
    found = None
    while found is None:  # the thread needs a moment to see it
        try:
            found = timely.encode(["二"])
        except EncoderError:
            continue
    assert found.shape == (1, 2)


def test_a_question_given_up_while_it_waited_is_never_encoded(held: Held) -> None:
    patient, first = TimelyEncoder(held, LONG_S), []
    asking = Thread(target=lambda: first.append(patient.encode(["一"])))
    asking.start()
    held.began.wait(LONG_S)
    patient._patience_s = SOON_S  # the second question has less time
    with pytest.raises(EncoderError):
        patient.encode(["二"])
    held.go.set()
    asking.join(LONG_S)
    assert held.texts == ["一"]


def test_whatever_it_raises_is_one_error_without_anybodys_words() -> None:
    with pytest.raises(EncoderError, match="^broken failed: MemoryError$"):
        TimelyEncoder(Broken(), LONG_S).encode(["失眠"])
