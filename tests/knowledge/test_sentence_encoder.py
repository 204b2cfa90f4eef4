"""A foreign encoder: opened only when asked for, known by everything its vectors depend on, refused in clear words."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from knowledge.calibrate import MODEL
from knowledge.encoder import EncoderError, Floats, StaticEncoder
from knowledge.sentence_encoder import SentenceEncoder, open_encoder


@dataclass
class Tokenizer:
    words: dict[str, int] = field(default_factory=lambda: {"失": 0})

    def get_vocab(self) -> dict[str, int]:
        return self.words


@dataclass
class Model:
    """What is used of that library's models."""

    prompts: dict[str, str] = field(default_factory=dict)
    default_prompt_name: str | None = None
    tokenizer: Tokenizer = field(default_factory=Tokenizer)
    scale: float = 1.0

    def state_dict(self) -> dict[str, object]:
        return {}

    def encode(self, texts: list[str], **_options: object) -> Floats:
        return np.full((len(texts), 4), 0.5 * self.scale, dtype=np.float64)


def test_without_a_setting_the_shipped_encoder_is_used(encoder: StaticEncoder) -> None:
    assert open_encoder("", MODEL).id == encoder.id


@pytest.mark.skipif(find_spec("sentence_transformers") is not None, reason="the library is installed here")
def test_without_the_library_the_command_that_installs_it_is_said() -> None:
    with pytest.raises(EncoderError, match=r"没有装好.*pip install -e '\.\[transformers\]'"):
        open_encoder("sentence-transformers:BAAI/bge-small-zh-v1.5", MODEL)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"请检查名称或文件夹.*check the name"):
        open_encoder(f"sentence-transformers:{tmp_path}", MODEL)


def test_vectors_come_as_rows_of_single_precision() -> None:
    vectors = SentenceEncoder(Model(), "m").encode(["失眠", "惊恐"])
    assert (vectors.shape, vectors.dtype) == ((2, 4), np.float32)


def test_vectors_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(EncoderError, match="no numbers"):
        SentenceEncoder(Model(scale=float("nan")), "m").encode(["失眠"])


@pytest.mark.parametrize(
    "other",
    [
        Model(prompts={"query": "为这个句子生成表示："}),
        Model(default_prompt_name="query"),
        Model(tokenizer=Tokenizer({"眠": 0})),
        Model(scale=2.0),
    ],
)
def test_the_id_changes_with_whatever_changes_the_vectors(other: Model) -> None:
    assert SentenceEncoder(other, "m").id != SentenceEncoder(Model(), "m").id


def test_the_id_of_the_same_model_stays() -> None:
    assert SentenceEncoder(Model(), "m").id == SentenceEncoder(Model(), "m").id
