"""Three small articles and two moments in time; imported by the tests of this room."""

from __future__ import annotations

from datetime import UTC, date, datetime

TODAY = date(2026, 12, 1)
BUILT_AT = datetime(2026, 12, 1, tzinfo=UTC)
TOPICS = {
    "E901": ("失眠怎么办", "固定起床时间，少喝咖啡。", ["晚上睡不着", "总是失眠", "半夜老醒"]),
    "E902": ("惊恐发作", "突然心慌会过去，先慢慢呼气。", ["突然心慌要死了", "胸闷喘不上气", "心跳得厉害"]),
    "E903": ("孩子不上学", "先听孩子说，再和学校商量。", ["孩子不肯上学", "娃厌学", "一上学就肚子疼"]),
}


def article_text(id: str = "E901", **changes: str) -> str:
    """An article file; a change replaces the whole line of its field."""
    title, short, questions = TOPICS.get(id, TOPICS["E901"])
    fields = {
        "id": f'"{id}"',
        "title": f'"{title}"',
        "group": '"自助"',
        "audiences": '["一般公众"]',
        "regional": "false",
        "risk": '["safety"]',
        "kind": '"clinical"',
        "sources": '["SY18"]',
        "review": '"pending"',
        "review_due": "2027-11-22",
        "related": '["E902"]',
        "facts": '[{ claim = "可以缓解", status = "verified", source = "SY18" }]',
        "questions": str(questions).replace("'", '"'),
        "short": short,
        **changes,
    }
    body = fields.pop("short")
    head = "\n".join(f"{key} = {value}" for key, value in fields.items() if value)
    return f"+++\n{head}\n+++\n{body}\n\n## 了解更多\n说得更细一些。\n\n## 接下来可以做\n- 一小步\n"
