"""Put questions that mean the same together: greedy, by the encoder's cosine to the middle of a heap."""

from __future__ import annotations

import numpy as np

from knowledge.encoder import Floats

SAME_AT = 0.6  # questions of one article of the library lie nearer than this far more often than those of two


def cluster(vectors: Floats, same_at: float = SAME_AT) -> list[list[int]]:
    """Heaps of row numbers, the largest first; a row nothing is known of (zeros) stays alone."""
    heaps: list[list[int]] = []
    middles = np.zeros((0, vectors.shape[1]), dtype=np.float32)
    for number, row in enumerate(vectors):
        near = middles @ row / np.maximum(np.linalg.norm(middles, axis=1), 1e-9) if len(heaps) else np.zeros(0)
        best = int(near.argmax()) if len(near) else -1
        if best >= 0 and near[best] >= same_at:
            heaps[best].append(number)
            middles[best] += row
        else:
            heaps.append([number])
            middles = np.vstack([middles, row])
    return sorted(heaps, key=len, reverse=True)
