"""The walls of the house as tables: what may import what, where each library lives, who may catch everything."""

from __future__ import annotations

# package -> what of ours it may import; a prefix with a dot opens that module alone
ARROWS: dict[str, tuple[str, ...]] = {
    "settings": (),
    "triage": (),
    "knowledge": (),
    "records": ("triage.risk",),
    "notify": ("records",),
    "escalation": ("triage", "knowledge", "records"),
    "bot": ("triage", "knowledge", "records", "escalation"),
    "platforms": ("settings", "records", "bot"),
    "outside": ("settings", "records", "notify"),
    "refusals": ("settings", "records", "escalation", "bot"),
    "desk_rules": ("settings", "escalation", "triage"),
    "knowing": ("settings", "knowledge", "records", "escalation", "bot"),
    "wiring": ("knowing", "desk_rules", "platforms", "outside", "settings", "triage", "knowledge", "records", "notify", "escalation", "bot"),
    "server": ("wiring", "platforms", "refusals", "settings", "triage", "knowledge", "records", "notify", "escalation", "bot"),
    "command": ("settings", "knowing", "desk_rules", "outside", "wiring", "server", "triage", "knowledge", "records", "escalation", "bot"),
}  # fmt: skip

_ASKING = ("bot/channels/", "bot/recogniser.py", "bot/generator.py")  # what of the bot asks services outside
# library -> where it may be named; anything else that is not of the standard library must be listed here too
HOMES: dict[str, tuple[str, ...]] = {
    "ahocorasick_rs": ("triage/prefilter.py", "triage/concepts.py"),
    "alembic": ("records/database.py", "records/migrations/"),
    "cryptography": ("records/crypto.py", "bot/channels/tencent.py", "notify/push_key.py"),
    "docx": ("escalation/library/importing.py",),
    "emoji": ("triage/",),
    "faiss": ("knowledge/vectors.py",),
    "fastapi": (
        "escalation/console/",
        "escalation/partner/",
        "bot/channels/",
        "server.py",
        "refusals.py",
        "command/bench/",
    ),
    "httpx": ("command/", *_ASKING, "notify/", "wiring.py", "platforms.py", "outside.py"),
    "numpy": ("knowledge/", "triage/"),
    "opencc": ("triage/", "knowledge/grams.py"),
    "openpyxl": ("escalation/directory/sheets.py", "escalation/reports/workbook.py"),
    "pwdlib": ("escalation/accounts.py",),
    "pydantic": ("settings.py",),
    "pydantic_settings": ("settings.py",),
    "pypdf": ("escalation/library/importing.py",),
    "re2": ("triage/",),
    "reportlab": ("escalation/paper.py", "escalation/record/pdf.py", "escalation/reports/pdf.py"),
    "segno": ("escalation/console/account.py",),
    "rich": (
        "command/",
        "knowledge/new_topics.py",
        "knowledge/measure.py",
        "knowledge/calibrate.py",
        "knowledge/train.py",
        "triage/train.py",
    ),
    "sentence_transformers": ("knowledge/character_grams.py",),
    "sqlalchemy": ("records/", "notify/", "escalation/", "bot/", "server.py", "wiring.py", "refusals.py", "command/"),
    "structlog": (
        "records/feed.py",
        "notify/",
        "bot/",
        "server.py",
        "wiring.py",
        "knowing.py",
        "refusals.py",
        "command/",
    ),
    "telegram": ("bot/channels/",),
    "torch": ("knowledge/character_grams.py",),
    "typer": ("command/",),
    "uvicorn": ("command/",),
    "xmltodict": ("bot/channels/tencent.py",),
}

# handle, deliver (twice: also what calls people), sweep and each of its rounds, a door, what people ask of their records; the screening that counts as high, and its classifier that the rules do without; the writer and the encoder's thread, which hand a failure to its owner
BROAD_EXCEPTS = {
    "bot/outbox.py": 1,
    "bot/pipeline.py": 1,
    "bot/rights.py": 1,
    "knowledge/timely.py": 1,
    "notify/sending.py": 1,
    "records/writer.py": 2,
    "server.py": 3,
    "triage/screen.py": 2,
}
