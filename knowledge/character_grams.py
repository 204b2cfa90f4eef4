"""The project's encoder as a module of sentence-transformers: `SentenceTransformer(folder, trust_remote_code=True)`.

That library's own tokenizers cut a text into pieces; ours overlap. `modules.json` of a model names this class, so
only that library imports this file; the service runs the same table with numpy (`encoder.py`) and needs no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers.base.modules import InputModule

from knowledge.encoder import StaticEncoder

Features = dict[str, Any]  # what the modules of that library hand to each other


class CharacterGrams(InputModule):
    """Looks up the rows of a text's characters and runs, adds and normalises them."""

    def __init__(self, encoder: StaticEncoder) -> None:
        super().__init__()
        self._encoder = encoder
        self.register_buffer("weights", torch.from_numpy(np.array(encoder.weights)))
        self.register_buffer("scales", torch.from_numpy(np.array(encoder.scales)))

    def preprocess(self, inputs: Sequence[str], prompt: str | None = None, **_options: object) -> Features:
        """The rows of all texts one after the other, and how many each text has."""
        rows = [self._encoder.rows((prompt or "") + text) for text in inputs]
        return {
            "input_ids": torch.tensor([row for each in rows for row in each], dtype=torch.long),
            "counts": torch.tensor([len(each) for each in rows], dtype=torch.long),
        }

    def forward(self, features: Features, **_options: object) -> Features:
        """One vector of length 1 a text, or of zeros where nothing in it is known."""
        ids, counts = features["input_ids"], features["counts"]
        summed = torch.zeros(len(counts), self.weights.shape[1], device=self.scales.device)
        owners = torch.repeat_interleave(torch.arange(len(counts), device=ids.device), counts)
        summed.index_add_(0, owners, self.weights[ids].float() * self.scales[ids, None])
        features["sentence_embedding"] = torch.nn.functional.normalize(summed, dim=1)
        return features

    def get_embedding_dimension(self) -> int:
        """Length of a vector."""
        return self._encoder.width

    def save(self, output_path: str, *_arguments: object, **_options: object) -> None:
        """Write the model's files; the library adds its own."""
        self._encoder.save(Path(output_path))

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **options: Any) -> CharacterGrams:
        """Read from a folder or from a hub."""
        known = {key: options.get(key) for key in ("token", "cache_folder", "revision")}
        local_only = bool(options.get("local_files_only"))
        folder = cls.load_dir_path(model_name_or_path, subfolder, local_files_only=local_only, **known)
        return cls(StaticEncoder.load(Path(folder)))
