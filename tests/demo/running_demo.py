"""The demo as a process of its own, with limits of a test's choosing, and what it has on disk."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

PROGRAM = """
import json, sys
from pathlib import Path
from dust3r_sfm.cli.interruption import Ended, run_interruptibly
from dust3r_sfm.demo.config import DemoConfig, DemoSettings
from dust3r_sfm.demo.place import temporary_place
from dust3r_sfm.demo.server import listen, serve
parent, limits = Path(sys.argv[1]), json.loads(sys.argv[2])
def work():
    with temporary_place(parent) as place, listen("127.0.0.1", 0) as found:
        settings = DemoSettings(("stereo",), place, "cpu", DemoConfig(**limits))
        number = serve(settings, found, "127.0.0.1", lambda address: print(address, flush=True))
    raise Ended(number)
sys.exit(run_interruptibly(work, last=True))
"""


@dataclass
class Running:
    """`parent`: the folder given as --tmp-dir."""

    process: subprocess.Popen[str]
    address: str
    parent: Path

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The run stands still, however fast the machine is."""
        text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        children = [int(word) for word in text.split()]
        for child in children:
            os.kill(child, signal.SIGSTOP)
        try:
            yield
        finally:
            for child in children:
                os.kill(child, signal.SIGCONT)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status, and the answer out of JSON, or its text."""
        place = urlsplit(self.address)
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text) if text else None
        except ValueError:
            return answer.status, text

    def create(self) -> str:
        status, made = self.ask("POST", "/api/jobs")
        assert status == 201
        return f"/api/jobs/{made['id']}"

    def upload(self, job: str, name: str, content: bytes, kind: str = "photos") -> tuple[int, Any]:
        return self.ask("PUT", f"{job}/{kind}?name={quote(name, safe='')}", content)

    def wait_for(self, job: str, *statuses: str, within_s: float = 240.0) -> dict[str, Any]:
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            _, state = self.ask("GET", job)
            if state["status"] in statuses:
                return state
            time.sleep(0.2)
        raise AssertionError(state)

    def files(self) -> set[str]:
        """Everything on disk but the lock, below the folder of this server."""
        places = list(self.parent.iterdir())
        assert len(places) == 1
        found = {path.relative_to(places[0]).as_posix() for path in places[0].rglob("*") if path.is_file()}
        return found - {"lock"}

    def children(self, name: str = "") -> list[int]:
        """Processes that work in this server's folder, of one command or of all."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != self.process.pid:
                try:
                    words = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if (
                    os.fsencode(self.parent) in words
                    and b"dust3r_sfm.cli" in words
                    and name.encode() in words
                ):
                    found.append(int(entry.name))
        return found


@contextmanager
def running(parent: Path, **limits: float) -> Iterator[Running]:
    """Ended by SIGTERM in the end, after which nothing may be left."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(parent), json.dumps(limits)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    found = Running(process, process.stdout.readline().strip(), parent)
    try:
        assert found.address, process.stderr.read() if process.stderr else ""
        yield found
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    if process.returncode != -signal.SIGKILL:
        assert (process.returncode, errors) == (143, "stopped\n"), (process.returncode, errors)
        assert list(parent.iterdir()) == []
        assert found.children() == []
