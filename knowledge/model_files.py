"""Write a trained table as the int8 files that `StaticEncoder.load` reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from knowledge.encoder import Floats


def write_model(folder: Path, vocabulary: Sequence[str], weights: Floats) -> str:
    """Quantise row by row (rare units have short rows) and return the new encoder's id."""
    scales = np.maximum(np.abs(weights).max(axis=1), 1e-8).astype(np.float32) / 127
    rounded = np.round(weights / scales[:, None]).astype(np.int8)
    checksum = hashlib.sha256(rounded.tobytes() + scales.tobytes()).hexdigest()[:12]
    name = f"static-{weights.shape[1]}-{checksum}"
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "weights.npy", rounded)
    np.save(folder / "scales.npy", scales)
    card = json.dumps({"id": name, "vocabulary": "\n".join(vocabulary)}, ensure_ascii=False)
    (folder / "model.json").write_text(card, encoding="utf-8")
    return name
