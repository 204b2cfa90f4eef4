"""A real `hotline serve` process and real Chromium; nothing between them is replaced."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright import async_api
from playwright.sync_api import Browser, BrowserType, Page, expect, sync_playwright

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
NEW_PASSWORD = "yi-tiao-xin-mima-2026"
expect.set_options(
    timeout=20_000
)  # on a machine that runs other tests beside; what is true at once still passes at once
async_api.expect.set_options(timeout=20_000)


@dataclass
class Deployment:
    """One installation on a free port: started, killed, started again on the same data."""

    folder: Path
    port: int
    process: subprocess.Popen[str] | None = None
    one_time: dict[str, str] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)  # settings of this journey

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hotline(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "command", *words], env=self._environment(), capture_output=True, text=True, check=True
        )  # fmt: skip
        return done.stdout

    def start(self) -> None:
        with (self.folder / "said").open("a") as said, (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "command", "serve"], env=self._environment(), text=True, stdout=said, stderr=log
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.05)  # waiting for a process to open its port; bounded by the deadline
        else:
            raise AssertionError((self.folder / "log").read_text())
        if not self.one_time:
            self._read_first_password()

    def _read_first_password(self) -> None:
        found = re.search(r"用户名 (\S+)\s+一次性密码 (\S+)（", (self.folder / "said").read_text())
        assert found
        self.one_time[found[1]] = found[2]

    def add_user(self, login: str, name: str, role: str) -> None:
        said = self.hotline("user", "add", login, "--name", name, "--role", role)
        found = re.search(r"one-time password (\S+)", said)
        assert found, said
        self.one_time[login] = found[1]

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
        return kept | {
            "HOTLINE_DATA_DIR": str(self.folder / "data"), "HOTLINE_PORT": str(self.port),
            "HOTLINE_HOTLINE_NAME": "示例县心理援助热线", "COLUMNS": "200", "PYTHONUNBUFFERED": "1", **self.more,
        }  # fmt: skip


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    yield from deployed(tmp_path)


def deployed(folder: Path, **more: str) -> Iterator[Deployment]:
    """A running installation; `more` are settings beside the usual ones."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = Deployment(folder, port, more=more)
    try:
        made.start()
        yield made
    finally:
        made.kill()


def need_chromium() -> str:
    """Where Chromium is; without it the journey is left out, or fails where everything must be tested."""
    if _CHROMIUM is None:
        words = "Chromium is missing: sudo apt-get install chromium fonts-noto-cjk"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    return _CHROMIUM


@pytest.fixture(scope="module")  # its event loop must end before other tests run theirs
def chromium() -> Iterator[BrowserType]:
    with sync_playwright() as playwright:
        yield playwright.chromium


@pytest.fixture(scope="module")
def browser(chromium: BrowserType) -> Iterator[Browser]:
    running = chromium.launch(executable_path=need_chromium(), args=FLAGS)
    yield running
    running.close()


def sign_in(page: Page, deployment: Deployment, login: str) -> None:
    """The first sign-in of an account: one-time password, then the new one."""
    page.goto(f"{deployment.url}/console")
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=password]").fill(deployment.one_time[login])
    page.locator("form:has(input[name=password]) button").click()
    page.locator("input[name=old]").fill(deployment.one_time[login])
    page.locator("input[name=new]").fill(NEW_PASSWORD)
    page.locator("input[name=again]").fill(NEW_PASSWORD)
    page.locator("form:has(input[name=new]) button").click()
    page.wait_for_url(f"{deployment.url}/console")
