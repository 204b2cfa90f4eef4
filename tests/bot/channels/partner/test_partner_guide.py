"""docs/http-channel.md is copied by programmers whom we never meet: everything in it runs here, against the real service."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.channels.partner_file import load_partners
from bot.channels.partner_payload import KINDS
from records.crypto import sign_body
from tests.bot.channels.partner_platform import (
    SECRET,
    WAIT_S,
    PartnerRig,
    Platform,
    partner_rig,
    partner_settings,
    running,
)
from tests.building import EMERGENCY

pytestmark = pytest.mark.anyio
GUIDE = (Path(__file__).parents[4] / "docs" / "http-channel.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The copyable examples in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def environment(rig: PartnerRig) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"], "XINDENG_URL": str(rig.http.base_url).rstrip("/"), "XINDENG_PARTNER": "cityapp",
        "XINDENG_SECRET": SECRET, "PYTHONIOENCODING": "utf-8",
    }  # fmt: skip


@contextlib.asynccontextmanager
async def program(*words: str, env: dict[str, str], folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program of the guide, ended when the test is over."""
    process = await asyncio.create_subprocess_exec(
        *words, env=env, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def lines_until(process: asyncio.subprocess.Process, words: str) -> list[str]:
    """What a program printed up to a line with these words."""
    assert process.stdout is not None
    found: list[str] = []
    async with asyncio.timeout(WAIT_S):
        while not found or words not in found[-1]:
            line = await process.stdout.readline()
            assert line, found
            found.append(line.decode().rstrip())
    return found


async def test_the_python_example_sends_gets_the_safety_reply_and_shows_it_once(tmp_path: Path) -> None:
    (source,) = blocks("python")
    (tmp_path / "example.py").write_text(source, encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = partner_settings(tmp_path, f"http://127.0.0.1:{port}/")
    async with running(settings, Platform()) as rig:
        env = environment(rig) | {"PORT": str(port)}
        async with program(sys.executable, "example.py", "失眠怎么办", EMERGENCY, env=env, folder=tmp_path) as example:
            shown = await lines_until(example, "请马上拨打120")
        assert sum(line.startswith("已送达：") for line in shown) == 2
        assert any(line.startswith("机器人：您好") for line in shown)
        assert "  [转人工]" in shown
        forged = env | {"XINDENG_SECRET": "z" * 40}
        async with program(sys.executable, "example.py", "在吗", env=forged, folder=tmp_path) as example:
            assert "401" in (await lines_until(example, "RuntimeError:"))[-1]


async def test_the_curl_example_is_confirmed_and_its_repeat_is_known(tmp_path: Path) -> None:
    if not (shutil.which("curl") and shutil.which("openssl")):
        pytest.skip("curl or openssl is missing")
    (script,) = blocks("bash")
    answers = []
    async with partner_rig(tmp_path) as rig:
        for _ in range(2):
            async with program("bash", "-c", script, env=environment(rig), folder=tmp_path) as curl:
                said, _ = await asyncio.wait_for(curl.communicate(), WAIT_S)
            answers.append(json.loads(said))
    assert [answer["repeat"] for answer in answers] == [False, True]


async def test_every_json_example_of_the_first_direction_is_accepted(tmp_path: Path) -> None:
    examples = [json.loads(text) for text in blocks("json")]
    inbound = [example for example in examples if "delivery_id" not in example]
    async with partner_rig(tmp_path) as rig:
        answers = [(await rig.send(example)).status_code for example in inbound]
    assert answers == [202] * 4
    assert len(examples) == 5


def test_the_toml_example_is_a_partner_also_with_every_optional_line(tmp_path: Path) -> None:
    text = blocks("toml")[0].replace("change-me-", "our-own-secret-")
    for version in (text, re.sub(r"^# (?=[a-z_]+ =)", "", text, flags=re.MULTILINE)):
        (tmp_path / "partners.toml").write_text(version, encoding="utf-8")
        assert [partner.name for partner in load_partners(tmp_path / "partners.toml")] == ["cityapp"]


def test_the_numbers_to_check_an_implementation_with_are_right() -> None:
    found = re.search(r"密钥 `(.+?)`，时间戳 `(.+?)`，请求体 `(.+?)`.*?(v1=[0-9a-f]{64})", GUIDE, re.DOTALL)
    assert found
    assert sign_body(found[1], found[2], found[3].encode()) == found[4]


def test_the_guide_names_every_kind_and_the_emergency_numbers() -> None:
    for words in (*(f"`{kind}`" for kind in KINDS), "120", "110", "12356"):
        assert words in GUIDE
