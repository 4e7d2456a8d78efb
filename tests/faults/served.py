"""Server process of a run, and requests to it at the level of sockets."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT = 120.0  # seconds, which only end a hanging test
JSON = "application/json"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Answer of the server."""

    status: int
    version: str | None
    body: bytes


class Served:
    """Process of `lstm serve`, from its first answer to its end. Its log is in `folder`.

    Args:
        run: run directory.
        folder: folder for the log.
        options: more options of `lstm serve`.
    """

    def __init__(self, run: Path, folder: Path, *options: str) -> None:
        self._log = folder / "log"
        words = [
            sys.executable,
            "-m",
            "lstm_cli",
            "serve",
            str(run),
            "--port",
            "0",
            "--threads",
            "1",
            *options,
        ]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("LSTM_")}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                words, stderr=log, stdout=subprocess.DEVNULL, env=environ | {"OMP_NUM_THREADS": "1"}
            )
        try:
            self.port = self._port()
        except BaseException:
            self.__exit__()
            raise

    def _port(self) -> int:
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            if found := re.search(r" at http://127\.0\.0\.1:(\d+)", self.log()):
                return int(found[1])
            assert self._process.poll() is None, self.log()
            time.sleep(0.01)
        raise TimeoutError(self.log())

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def log(self) -> str:
        """Return what the server has written to stderr."""
        return self._log.read_text(errors="replace")

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Stop the server and return its exit code."""
        self.send(signum)
        return self._process.wait(LIMIT)

    def send(self, signum: int) -> None:
        """Send a signal."""
        self._process.send_signal(signum)

    def mib(self) -> float:
        """Return the resident memory in MiB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    def connect(self) -> socket.socket:
        """Return a new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT)

    def client(self) -> http.client.HTTPConnection:
        """Return a client that keeps its connection."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)

    def get(self, path: str) -> Answer:
        """Return the answer to a GET of a new connection."""
        client = self.client()
        try:
            return ask(client, "GET", path)
        finally:
            client.close()

    def metric(self, name: str) -> float:
        """Return the value of a metric without labels."""
        found = re.search(rf"^{name} (\S+)$", self.get("/metrics").body.decode(), re.MULTILINE)
        assert found is not None, name
        return float(found[1])


def ask(
    client: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    media_type: str = JSON,
) -> Answer:
    """Return the answer to a request.

    Args:
        client: connection.
        method: method of the request.
        path: path and query.
        body: body of the request.
        media_type: media type of the body.
    """
    client.request(method, path, body, {"Content-Type": media_type} if body is not None else {})
    answer = client.getresponse()
    return Answer(status=answer.status, version=answer.headers["lstm-model-version"], body=answer.read())


def statuses(data: bytes) -> list[int]:
    """Return the statuses of the answers in what a connection has sent. An answer is never HTML or a traceback."""
    return [int(status) for status in re.findall(rb"(?:^|\n|\}})HTTP/1\.1 (\d{3}) ", data)]


def exchange(served: Served, sent: bytes) -> bytes:
    """Send bytes on a new connection, say that no more follow, and return all that the server answers."""
    received = b""
    with served.connect() as sock, suppress(ConnectionError):
        sock.sendall(sent)
        sock.shutdown(socket.SHUT_WR)
        while data := sock.recv(1 << 16):
            received += data
    return received


def request_bytes(method: str, path: str, body: bytes, media_type: str, **headers: Any) -> bytes:
    """Return the bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Type: {media_type}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if not any(name.lower() in ("content_length", "transfer_encoding") for name in headers):
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
