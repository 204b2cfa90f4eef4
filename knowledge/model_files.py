"""Make a trained table an encoder of int8 rows and store it, with the model card beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from knowledge.encoder import Floats, StaticEncoder


def write_model(folder: Path, vocabulary: Sequence[str], weights: Floats, topics: Mapping[str, Floats]) -> str:
    """Quantise row by row (rare units have short rows) and return the new encoder's id."""
    scales = np.maximum(np.abs(weights).max(axis=1), 1e-8).astype(np.float32) / 127
    rounded = np.round(weights / scales[:, None]).astype(np.int8)
    checksum = hashlib.sha256(rounded.tobytes() + scales.tobytes()).hexdigest()[:12]
    name = f"static-{weights.shape[1]}-{checksum}"
    StaticEncoder(vocabulary, rounded, scales, name, topics=topics).save(folder)
    return name


def write_card(folder: Path, name: str, facts: str) -> None:
    """Write the model card; figures follow when the model has been calibrated."""
    card = _CARD.format(name=name, facts=facts)
    (folder / "README.md").write_text(f"{card}{_FIGURES}\nRun `python -m knowledge.calibrate`.\n", encoding="utf-8")


def write_figures(folder: Path, lines: Sequence[str]) -> None:
    """Replace the figures at the end of the model card."""
    path = folder / "README.md"
    head = path.read_text(encoding="utf-8").split(_FIGURES)[0] if path.exists() else ""
    path.write_text(f"{head}{_FIGURES}\n" + "\n".join(lines) + "\n", encoding="utf-8")


_FIGURES = "## Figures\n"
_CARD = """# {name}

A static text encoder for questions about mental health in Chinese: one int8 row for each of the most
frequent characters and runs of two and three, after words that mean the same were written as one
(`folding.toml`); a text is the normalised sum of its rows. Needs numpy only.

- Files: `weights.npy` (int8), `scales.npy` (a factor a row), `topics.npy` (what it learnt of each article),
  `model.json` (id, articles and vocabulary; no sentence of the training data), `calibration.json` (how the
  evidence is weighed; written by `python -m knowledge.calibrate` from the labelled questions and
  `questions/heldout.npz`: what encoders that had not learnt a writer found for that writer's questions),
  `modules.json` and `config_sentence_transformers.json` (below).
- In sentence-transformers (6.x, with this project: `pip install -e '.[transformers]'`):
  `SentenceTransformer("knowledge/model", trust_remote_code=True).encode(texts)` gives the same vectors. That
  library's own tokenizer files cannot say overlapping runs or the folding of words, so `modules.json` names
  `knowledge.character_grams.CharacterGrams`, and since 6.0 the library runs classes that are not its own only when
  told to trust them. The service itself needs neither it nor torch. `tests/knowledge/golden_vectors.npz` holds
  what the library gave for this model, so that every test run compares; after training write it anew:
  `python -m tests.knowledge.golden`.
- Trained on: {facts}.
- Command: `python -m knowledge.train --data FOLDER --minutes N --base FILE --out knowledge/model` (torch, CPU).
- Method: in-batch softmax in both directions over 1,024 pairs, temperature 0.05, SparseAdam 0.02 falling to
  zero, a fifth of the units dropped at random. Every batch holds each article once, and each
  theme of decoys once if there are any. Then a softmax over all articles and "nobody" (six rounds, half of the
  units dropped) on the articles' questions, titles, passages and words, the decoys and the labelled questions.

## Data
| data | licence |
| --- | --- |
| SMILE (qiuhuachuan/smile): first message and advice | CC0-1.0 |
| EmoLLM (SmartFlowAI/EmoLLM) | MIT |
| CPsyCounD (CAS-SIAT-XinHai/CPsyCoun), attribution | CC BY 4.0 |
| Chinese-medical-dialogue-data (Toyhom), a sample | MIT |
| this project's articles, their questions, its decoys | as the project |

Each batch is filled with pairs of the first four; the pairs themselves are not part of the project.

## Limits
- It knows the words of its training data. Outside questions about mental health plain BM25 is better, which
  is why both are used together.
- Word order beyond two characters is lost: who did what to whom, and negation, are not understood. It must
  never decide about danger; screening does that before.
- It was trained on the articles' own questions and on all labelled ones, so scores of these say nothing about its
  quality; the figures below are of encoders that had not learnt the writer. Writer qa is not quite unseen: some
  words of `words.toml` were chosen after reading which of its questions failed.
- Dialects and typing errors work as far as they share characters with what was seen.

"""
