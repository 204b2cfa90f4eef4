"""A real server process hears names, numbers and secrets on every road; none of them reaches its log or the disk."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from settings import PREFIX
from tests.record_samples import REQUIRED, answer

NAME, PHONE, WECHAT = "欧阳金丝雀", "13912345678", "wx_canary_7788"
SENTENCE = f"我叫{NAME}，电话{PHONE}，微信{WECHAT}"
REPLY, NOTE, SUMMARY = "金丝雀老师的回复原文", "金丝雀备注：母亲在隔壁", "金丝雀小结：已由父亲陪同就医"
PASSWORD = "jin-si-que-mima-2026"
SMS_SECRET = "jin-si-que-duanxin-miyao-2026-11-22"
CANARIES = ["金丝雀", PHONE, WECHAT, PASSWORD, SMS_SECRET]


@dataclass
class Running:
    """One `hotline serve` and where it writes."""

    url: str
    folder: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def printed(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


@pytest.fixture
def running(tmp_path: Path, index_folder: Path) -> Iterator[Running]:
    folder = tmp_path / "data"
    shutil.copytree(index_folder, folder / "index")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment = kept | {
        "HOTLINE_DATA_DIR": str(folder), "HOTLINE_PORT": str(port), "COLUMNS": "200", "PYTHONUNBUFFERED": "1",
        "HOTLINE_SMS_URL": "http://127.0.0.1:9/", "HOTLINE_SMS_SECRET": SMS_SECRET,
    }  # fmt: skip
    log = tmp_path / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "command", "serve"], env=environment, stdout=sink, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(transport=httpx.HTTPTransport(retries=9), timeout=60) as client:  # until the port is open
        assert client.get(f"{url}/readyz").status_code == 200, log.read_text()
    yield Running(url, folder, log, process)
    if process.poll() is None:
        process.kill()
        process.wait()


def speak_as_a_visitor(running: Running) -> list[str]:
    """Every road a visitor's words can take; returns the secrets it was given."""
    with httpx.Client(base_url=running.url, timeout=30) as page:
        token = page.post("/api/chat/sessions").json()["token"]

        def send(id: object, text: object, **more: object) -> int:
            body = {"client_message_id": id, "text": text, **more}
            return page.post("/api/chat/messages", content=json.dumps(body)).status_code

        codes = [
            send("m1", f"{SENTENCE}，失眠怎么办"),
            send("m2", f"{SENTENCE}。我刚刚吞了一瓶安眠药"),
            send("m3", SENTENCE, kind="voice"),
            send("m1", f"{SENTENCE}另一句"),
            send("m4", SENTENCE * 3000),
            send(SENTENCE, "x"),
            send("\ud800" + NAME, "x"),
            send("m5", [SENTENCE]),
            page.post("/api/chat/messages", content=SENTENCE.encode("gb18030")).status_code,
            page.get("/api/chat/messages", params={"after": PHONE * 3}).status_code,
            page.get(f"/chat/{NAME}").status_code,
            page.get(f"/{PHONE}", params={"q": SENTENCE}).status_code,
        ]
        page.post("/api/chat/leave")
    assert codes == [202, 202, 202, 409, 413, 422, 422, 422, 422, 200, 404, 404]
    return [token]


def serve_as_a_counsellor(running: Running) -> list[str]:
    """Sign in, read, answer, note and close; returns the secrets."""
    found = re.search(r"用户名 (\S+)\s+一次性密码 ([a-z0-9-]+)", running.printed)
    assert found is not None, running.printed
    with httpx.Client(base_url=running.url, timeout=30) as desk:
        desk.post("/console/sign-in", data={"login": NAME, "password": PASSWORD})
        desk.post("/console/sign-in", data={"login": found[1], "password": PASSWORD + "wrong"})
        desk.post("/console/sign-in", data={"login": found[1], "password": found[2]})
        change = {"csrf": _csrf(desk), "old": found[2], "new": PASSWORD, "again": PASSWORD}
        assert desk.post("/console/password", data=change).headers["location"] == "/console"
        token = {"X-CSRF-Token": _csrf(desk)}
        queue = desk.get("/console/queue.json")
        case = f"/console/cases/{queue.json()['rows'][0]['id']}"
        assert NAME in desk.get(f"{case}/state.json").text  # the counsellor does see it
        assert not [canary for canary in CANARIES if canary in queue.text]
        record = [(f"record/{field.key}", {"value": answer(field, NOTE), "based_on": "0"}) for field in REQUIRED]
        for action, fields in (
            *record, ("record/location", {"value": NOTE, "based_on": NAME}), ("record/phone", {"value": PHONE, "based_on": "0"}),
            ("record/plan.signs", {"value": NOTE, "based_on": "0"}), ("claim", {}), ("claim", {}), ("reply", {"reply_id": uuid.uuid4().hex, "text": REPLY}), ("note", {"text": NOTE}),
            ("level", {"level": NAME, "reason": NOTE}), ("close", {"disposition": "", "summary": SUMMARY}),
            ("close", {"disposition": "rescue", "summary": SUMMARY}),
        ):  # fmt: skip
            desk.post(f"{case}/{action}", data=fields, headers=token)
        desk.post("/console/notices/add", data={"carrier": "sms", "address": PHONE}, headers=token)
        (mine,) = desk.get("/console/notices.json").json()["addresses"]
        desk.post(f"/console/notices/{mine['id']}/trial", data={}, headers=token)
        assert SUMMARY in desk.get(case, headers={"Accept": "text/html"}).text
        assert NOTE in desk.get(f"{case}/sheet").text
        assert desk.get(f"{case}/sheet.pdf").content.startswith(b"%PDF")
        return [cookie for cookie in desk.cookies.values() if cookie]


def _csrf(desk: httpx.Client) -> str:
    found = re.search(r'name="csrf" (?:value|content)="([^"]+)"', desk.get("/console/password").text)
    assert found is not None
    return found[1]


def test_nothing_that_a_person_said_or_typed_reaches_the_log_the_disk_or_an_open_page(running: Running) -> None:
    secrets = speak_as_a_visitor(running) + serve_as_a_counsellor(running)
    assert len(secrets) == 2
    open_pages = "".join(httpx.get(f"{running.url}/{page}").text for page in ("healthz", "readyz", "openapi.json", ""))
    running.stop()
    kept = {file.name: file.read_bytes() for file in running.folder.iterdir() if file.is_file()}
    assert b"zhiban" in b"".join(kept.values())  # the search does find what is there in the clear
    assert "zhiban" in running.printed
    assert "Traceback" not in running.printed
    for canary in (*CANARIES, *secrets):
        assert canary not in running.printed
        assert canary not in open_pages
        for form in (canary.encode(), json.dumps(canary)[1:-1].encode(), canary.encode("utf-16-le")):
            assert [name for name, content in kept.items() if form in content] == []
