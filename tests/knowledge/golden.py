"""Write golden_vectors.npz: what sentence-transformers gives for the shipped model. `python -m tests.knowledge.golden`.

Needs the extra `transformers`; run it after every training.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.calibrate import MODEL
from knowledge.encoder import StaticEncoder

FILE = Path(__file__).parent / "golden_vectors.npz"
TEXTS = (
    "晚上睡不着怎么办",
    "躺到后半夜还醒着",
    "失眠",
    "孩子不肯上学，天天躲在房间里",
    "娃厌学",
    "我覺得很憂鬱，連飯都不想吃",
    "突然心慌、胸闷，觉得要死了",
    "惊恐发作是什么",
    "sertraline 50mg 能停吗",
    "HELLO，我 有 社恐",
    "侬晓得伐，我老是睏不着",
    "公司裁员300人，我很焦虑",
    "领导天天骂我，我该不该辞职",
    "爸妈要离婚了",
    "老伴走了以后一直缓不过来",
    "上班路上堵车了",
    "今天股票涨了吗",
    "？？",
    "",
)


def sentence_transformers_vectors(folder: Path = MODEL) -> Any:  # Any: that library is not part of the service
    """The vectors of TEXTS by that library, from a folder."""
    library: Any = import_module("sentence_transformers")
    return library.SentenceTransformer(str(folder), trust_remote_code=True).encode(list(TEXTS))


if __name__ == "__main__":
    np.savez_compressed(
        FILE,
        encoder_id=StaticEncoder.load(MODEL).id,
        written_by=f"sentence-transformers {import_module('sentence_transformers').__version__}",
        texts=np.array(TEXTS),
        vectors=sentence_transformers_vectors(),
    )
