"""The vectors of an index in FAISS: compared one by one up to a hundred thousand rows, found through a graph above.

Read through a memory map: processes on one machine share the same pages, and a start reads nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from knowledge.encoder import Floats

EXACT_UP_TO = 100_000
"""Rows. So many products take some 10 ms, half of what an answer may cost; the graph needs a fraction of one."""
_LINKS = 32  # of a row of the graph
_CARE = 80  # how many rows are kept in sight while asking, at least
_SearchParameters: Any = vars(faiss)["SearchParametersHNSW"]  # its type file leaves it out


class VectorsError(ValueError):
    """The stored vectors cannot be read."""


class Vectors:
    """Rows of length 1; near is what has a large product."""

    def __init__(self, index: Any) -> None:  # Any: faiss ships no types
        self._index = index
        flat: Any = faiss.downcast_index(index.storage) if isinstance(index, faiss.IndexHNSW) else index
        count = int(index.ntotal)
        # A view, no copy: in a mapped file the pages stay shared. self._index keeps them alive.
        found = faiss.rev_swig_ptr(flat.get_xb(), count * index.d) if count else np.zeros(0, dtype=np.float32)
        self.rows: Floats = found.reshape(count, index.d)

    @classmethod
    def over(cls, rows: Floats, *, exact_up_to: int = EXACT_UP_TO) -> Vectors:
        """Hold the rows, behind a graph when there are many."""
        faiss.omp_set_num_threads(1)  # one query is microseconds; threads would only fight the web workers
        index: Any = faiss.IndexFlatIP(rows.shape[1])
        if len(rows) > exact_up_to:
            index = faiss.IndexHNSWFlat(rows.shape[1], _LINKS, faiss.METRIC_INNER_PRODUCT)
        index.add(np.ascontiguousarray(rows, dtype=np.float32))
        return cls(index)

    @classmethod
    def load(cls, path: Path) -> Vectors:
        """Map the stored rows; raises VectorsError."""
        faiss.omp_set_num_threads(1)
        try:
            return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC))
        except RuntimeError as error:  # faiss raises nothing narrower
            raise VectorsError(str(error)) from error

    def save(self, path: Path) -> None:
        """Store what `load` reads."""
        faiss.write_index(self._index, str(path))

    @property
    def is_exact(self) -> bool:
        """Whether every row is compared."""
        return not isinstance(self._index, faiss.IndexHNSW)

    def nearest(self, query: Floats, count: int) -> NDArray[np.int64]:
        """About the nearest rows, best first."""
        options = {} if self.is_exact else {"params": _SearchParameters(efSearch=max(_CARE, count))}
        _, found = self._index.search(query[None, :], count, **options)
        return np.asarray(found[0][found[0] >= 0], dtype=np.int64)
