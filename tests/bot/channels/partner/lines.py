"""The file of partner systems, good but for the lines that a test changes."""

from __future__ import annotations

from pathlib import Path

from bot.channels.partner_file import Partner, load_partners

SECRET = "0123456789abcdef0123456789abcdef"
GOOD = {"name": '"cityapp"', "secret": f'"{SECRET}"', "callback_url": '"https://app.example/hotline"'}


def toml(**changes: str | None) -> str:
    """One good partner, but for these lines; None leaves one out."""
    lines = {**GOOD, **changes}
    return "[[partner]]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items() if value is not None)


def load(folder: Path, text: str) -> tuple[Partner, ...]:
    file = folder / "partners.toml"
    file.write_text(text, encoding="utf-8")
    return load_partners(file)
