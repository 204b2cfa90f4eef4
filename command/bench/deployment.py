"""A server of our own in a subprocess, on a folder and a free port: for `hotline bench` and for the kill -9 trials."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import server
from settings import PREFIX, Settings, load_settings

_ROOT = Path(server.__file__).parent
_PATIENCE_S = 300.0
_HOTLINE = "from command.main import run; run()"


class DidNotStart(Exception):
    """The server did not become ready."""


@dataclass
class ServerProcess:
    """A program that answers HTTP on `port`."""

    code: str  # Python, run with the arguments
    arguments: tuple[str, ...]
    port: int
    ready: str  # the path that answers 200 once it is up
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start and wait until it is ready; returns the seconds."""
        began = time.perf_counter()
        self.spawn()
        return self.wait_ready(began)

    def spawn(self) -> None:
        """Start without waiting."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", self.code, *self.arguments], cwd=_ROOT, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env={**inherited, **self.environment},
            )  # fmt: skip

    def wait_ready(self, began: float) -> float:
        """Wait until it is ready; returns the seconds since `began`."""
        while time.perf_counter() - began < _PATIENCE_S:
            if self._process is None or self._process.poll() is not None:
                break
            if self._answers():
                return time.perf_counter() - began
            time.sleep(0.01)
        raise DidNotStart(self.log.read_text(errors="replace")[-2000:])

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Ask it to end, and see that it does."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def rss_mb(self) -> float:
        """Resident memory now (Linux; elsewhere not a number)."""
        for line in self._proc("status").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return float("nan")

    def cpu_s(self) -> float:
        """Processor time spent so far (Linux; elsewhere not a number)."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK") if fields else float("nan")

    def _proc(self, name: str) -> str:
        path = Path(f"/proc/{self._process.pid}/{name}") if self._process else Path("/nowhere")
        return path.read_text() if path.is_file() else ""

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{self.ready}", timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@dataclass(frozen=True)
class Deployment:
    """`hotline serve` on a folder, with the settings it runs under."""

    settings: Settings
    process: ServerProcess


def deploy(folder: Path, **given: str) -> Deployment:
    """A deployment of its own: nothing of this machine's HOTLINE_* settings reaches it."""
    port = free_port()
    environment = {f"{PREFIX}DATA_DIR": str(folder), f"{PREFIX}PORT": str(port)}
    environment |= {f"{PREFIX}{name.upper()}": value for name, value in given.items()}
    process = ServerProcess(_HOTLINE, ("serve",), port, "/readyz", folder.parent / f"{folder.name}.log", environment)
    return Deployment(load_settings(environment), process)


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
