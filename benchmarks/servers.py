"""Servers as child processes: start, load with wrk, memory, idle connections."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from command import CommandFailed

LIMIT = 120.0  # seconds until a server must be ready
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
LUA = """\
local file = io.open("{body}", "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "{media_type}"
"""


@dataclass(frozen=True, kw_only=True)
class Load:
    """Request that is repeated."""

    path: str
    body: Path
    media_type: str


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Figures of a run of wrk."""

    per_second: float  # requests
    p99: float  # milliseconds
    errors: int  # other statuses than 2xx, and connections that failed


def free_port() -> int:
    """Return a port that no program listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Running:
    """Server in a process group of its own, from its start until it is ready to its end.

    Args:
        command: function that returns the command for a port.
    """

    def __init__(self, command: Callable[[int], list[str]]) -> None:
        self.port = free_port()
        self._process = subprocess.Popen(
            command(self.port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def __enter__(self) -> "Running":
        try:
            wait_until_ready(self.port, self._process)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of all processes of the server."""
        ticks = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # the process has ended
                fields = path.read_text().rpartition(")")[2].split()
                if int(fields[2]) == self.pid:  # the process group
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self) -> dict[str, float]:
        """Return the resident, proportional and private memory of the process in MiB."""
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        kib = {name: int(value) for name, value in re.findall(r"^(\w+): +(\d+) kB", text, re.MULTILINE)}
        private = kib["Private_Clean"] + kib["Private_Dirty"]
        return {"rss": kib["Rss"] / 1024, "pss": kib["Pss"] / 1024, "private": private / 1024}


def wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when a server answers a request. Raise CommandFailed if its process ends first."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        if process.poll() is not None:
            raise CommandFailed(f"the server ended with {process.returncode}")
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
            connection.request("GET", "/v2/health/ready")
            connection.getresponse().read()
            return
        time.sleep(0.002)
    raise CommandFailed("the server is not ready")


def ready_seconds(command: Callable[[int], list[str]], clock: str) -> float:
    """Return the seconds from the start of a server until it is ready. `clock`: wall or cpu."""
    began = time.perf_counter()
    with Running(command) as server:
        return time.perf_counter() - began if clock == "wall" else server.cpu_seconds()


def wrk(port: int, load: Load, *, clients: int, seconds: int) -> Measured:
    """Return the figures of a server under load.

    Args:
        port: port of the server.
        load: request to repeat.
        clients: connections at the same time.
        seconds: seconds of the load.
    """
    if shutil.which("wrk") is None:
        raise CommandFailed("wrk is not installed (apt-get install wrk)")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(LUA.format(body=load.body, media_type=load.media_type))
        script.flush()
        words = [
            "wrk",
            "-t1",
            f"-c{clients}",
            f"-d{seconds}s",
            "--timeout",
            "10s",
            "--latency",
            "-s",
            script.name,
        ]
        url = f"http://127.0.0.1:{port}{load.path}"
        done = subprocess.run([*words, url], capture_output=True, text=True, check=True)
    return read_report(done.stdout)


def read_report(text: str) -> Measured:
    """Return the figures of the text that wrk prints."""
    per_second = re.search(r"^Requests/sec: +([\d.]+)", text, re.MULTILINE)
    p99 = re.search(r"^ +99% +([\d.]+)(us|ms|s|m) *$", text, re.MULTILINE)
    if per_second is None or p99 is None:
        raise CommandFailed(f"wrk printed no figures: {text[:80]}")
    statuses = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    failed = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    errors = int(statuses[1]) if statuses else 0
    errors += sum(map(int, failed.groups())) if failed else 0
    return Measured(per_second=float(per_second[1]), p99=float(p99[1]) * UNITS[p99[2]], errors=errors)


def post(port: int, path: str, body: bytes, media_type: str) -> bytes:
    """Return the answer to one request. Raise CommandFailed for another status than 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    connection.request("POST", path, body, {"Content-Type": media_type})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != 200:
        raise CommandFailed(f"status {answer.status}: {text[:80]!r}")
    return text


@contextmanager
def idle_connections(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Yield open connections that sent nothing."""
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    try:
        time.sleep(0.5)
        yield sockets
    finally:
        for sock in sockets:
            sock.close()
