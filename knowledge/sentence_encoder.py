"""Any model of sentence-transformers as encoder: HOTLINE_ENCODER=sentence-transformers:<name or folder>.

The library and torch come with the extra `transformers` and are imported only when such a model is wanted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from knowledge.encoder import Encoder, EncoderError, Floats, StaticEncoder

KIND = "sentence-transformers:"
_NEEDS_LIBRARY = (
    "HOTLINE_ENCODER={kind}{name} 需要 sentence-transformers 和 torch，没有装好（{error}）。"
    "请在项目文件夹里运行 / in the project's folder run: pip install -e '.[transformers]'。"
    "或清空 HOTLINE_ENCODER，用自带的编码器 / or unset HOTLINE_ENCODER to use the encoder that comes with the project."
)
_NO_MODEL = (
    "HOTLINE_ENCODER={kind}{name}：读不到这个模型（{error}）。请检查名称或文件夹：文件夹里要有 modules.json"
    " / cannot read this model: check the name, or that the folder holds modules.json."
)


def open_encoder(setting: str, shipped: Path) -> Encoder:
    """The encoder that HOTLINE_ENCODER names; the shipped one when it is empty. Raises EncoderError."""
    if not setting:
        return StaticEncoder.load(shipped)
    return SentenceEncoder.load(setting.removeprefix(KIND))


class SentenceEncoder:
    """A model of sentence-transformers; its vectors are brought to length 1."""

    def __init__(self, model: Any, name: str) -> None:  # Any: the library is not part of the running service
        self._model = model
        self._id = f"{KIND}{name}:{_fingerprint(model)}"

    @classmethod
    def load(cls, name: str) -> SentenceEncoder:
        """Load from a folder, or by its name from the hub's cache or the hub."""
        folder = Path(name).expanduser()
        if name.startswith(("/", "~", ".")) and not (folder / "modules.json").is_file():
            raise EncoderError(_NO_MODEL.format(kind=KIND, name=name, error="no modules.json"))
        try:
            library: Any = import_module("sentence_transformers")
            # One question is small; on a busy machine two threads waited for each other 35 times as long.
            import_module("torch").set_num_threads(1)
        except ImportError as error:
            raise EncoderError(_NEEDS_LIBRARY.format(kind=KIND, name=name, error=error)) from error
        # What lies in a folder was put there by whoever runs this service; code from the hub is never run.
        is_folder = folder.is_dir()
        try:
            model = library.SentenceTransformer(str(folder) if is_folder else name, trust_remote_code=is_folder)
        except (OSError, ValueError, RuntimeError, TypeError, KeyError, ImportError) as error:
            raise EncoderError(_NO_MODEL.format(kind=KIND, name=name, error=error)) from error
        return cls(model, folder.name)

    @property
    def id(self) -> str:
        """Name and a checksum of everything that its vectors depend on."""
        return self._id

    @property
    def topics(self) -> Mapping[str, Floats]:
        """It was taught none of our articles."""
        return MappingProxyType({})

    def encode(self, texts: Sequence[str]) -> Floats:
        """Vectors of the texts, in batches of the library's size."""
        found = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        vectors = np.asarray(found, dtype=np.float32)
        if not np.isfinite(vectors).all():
            raise EncoderError(f"{self._id} gave vectors that are no numbers")
        return vectors


def _fingerprint(model: Any) -> str:
    seen = hashlib.sha256(repr(model).encode())
    seen.update(json.dumps([model.prompts, model.default_prompt_name]).encode())
    for name, weights in sorted(model.state_dict().items()):
        seen.update(name.encode() + np.ascontiguousarray(weights.float().cpu().numpy()).tobytes())
    if hasattr(model, "tokenizer"):  # not every kind of model has one
        seen.update(json.dumps(sorted(model.tokenizer.get_vocab().items())).encode())
    return seen.hexdigest()[:12]
