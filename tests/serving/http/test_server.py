"""Tests of `lstm serve` as a process, with the fake in place of the model."""

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fake_model
import pytest

from lstm_cli.config import ServeConfig
from lstm_cli.errors import OutputError, UsageError
from lstm_cli.serving.http.sockets import listening
from lstm_cli.serving.messages.tokens import Tokens

LIMIT = 300.0  # seconds; only ends a hanging test


class Process:
    """Server in another process, and what it wrote to stderr."""

    def __init__(self, run: Path, *options: str, **environ: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LSTM_")}
        paths = (str(Path(__file__).parent), str(Path(__file__).parents[3]), kept.get("PYTHONPATH"))
        self.process = subprocess.Popen(
            fake_model.command(str(run), "--log-format", "json", *options),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=kept | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)} | environ,
        )
        self.lines: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(json.loads(line))

    def event(self, name: str) -> dict[str, Any]:
        """Return the first line of an event, as soon as it is there."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            found = [line for line in self.lines if line["event"] == name]
            if found:
                return found[0]
            assert self._reader.is_alive(), self.lines
            time.sleep(0.01)
        raise AssertionError(f"no line '{name}': {self.lines}")

    @property
    def port(self) -> int:
        return int(self.event("serving")["url"].rpartition(":")[2])

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def raw(self, data: bytes) -> bytes:
        """Return all bytes of the connection until the server closes it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT) as sock:
            sock.sendall(data)
            return b"".join(iter(lambda: sock.recv(65536), b""))

    def end(self) -> int:
        """Return the exit code, after the last line."""
        code = self.process.wait(LIMIT)
        self._reader.join(LIMIT)
        return code


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Return a function that starts a server of the fake."""
    started: list[Process] = []
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("1")

    def run(*options: str, **environ: str) -> Process:
        started.append(Process(tmp_path / "run", *options, **environ))
        return started[-1]

    yield run
    for server in started:
        server.process.kill()
        server.end()
        server.process.stdout.close()


def test_a_server_reloads_on_hup_and_stops_on_term(start: Callable[..., Process], tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("first\n")
    server = start("--port", "0", "--reload", "off", "--token-file", str(tokens), "--json")
    assert server.get("/v1/forecast", Authorization="Bearer first")[0] == 200
    tokens.write_text("second\n")
    (tmp_path / "run" / "run.json").write_text("2")
    server.process.send_signal(signal.SIGHUP)
    assert server.event("reloaded")["version"] == "2"
    status, body = server.get("/v1/forecast", Authorization="Bearer second")
    assert (status, json.loads(body)["version"]) == (200, "2")
    assert server.get("/v1/forecast", Authorization="Bearer first")[0] == 401
    assert server.raw(b"GARBAGE\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    refused = server.raw(b"GET / HTTP/1.1\r\nA: " + b"a" * 40_000)
    assert refused.startswith(b"HTTP/1.1 431 ")
    assert json.loads(refused.partition(b"\r\n\r\n")[2])["code"] == "headers-too-large"
    server.process.send_signal(signal.SIGTERM)
    assert server.end() == 143
    assert server.process.stdout is not None
    report = json.loads(server.process.stdout.read())
    assert report["statuses"] == {"200": 2, "400": 1, "401": 1, "431": 1}
    assert (report["signal"], report["version"], report["reloads"]["reloaded"]) == (15, "2", 1)
    logged = [line for line in server.lines if line["event"] == "request"]
    assert [(line["status"], line["version"]) for line in logged] == [(200, "1"), (200, "2"), (401, "2")]
    assert logged[0].keys() >= {"request_id", "seconds", "path", "method"}
    assert [(line["windows"], line.get("code")) for line in logged] == [
        (1, None),
        (1, None),
        (0, "unauthorized"),
    ]
    assert server.lines[-1]["event"] == "summary"


def test_a_request_in_progress_is_finished_after_ctrl_c(start: Callable[..., Process]) -> None:
    server = start("--port", "0")
    with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT) as sock:
        head = b"POST /v1/forecast HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n"
        sock.sendall(head + b"[1")
        while b"lstm_connections 2.0" not in server.get("/metrics")[1]:  # that of the metrics is open too
            time.sleep(0.01)
        server.process.send_signal(signal.SIGINT)
        while server.raw(b"GET /ping HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 "):
            time.sleep(0.01)
        sock.sendall(b",2]")
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"connection: close" in answer
    assert server.end() == 130


def test_a_second_term_stops_at_once(start: Callable[..., Process]) -> None:
    server = start("--port", "0", "--grace", "1h")
    with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT) as sock:
        sock.sendall(b"POST /v1/forecast HTTP/1.1\r\nContent-Type: text/csv\r\nContent-Length: 5\r\n\r\n1")
        while b"lstm_connections 2.0" not in server.get("/metrics")[1]:
            time.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        while server.raw(b"GET /ping HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 "):
            time.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        assert server.end() == 143


def test_the_server_notifies_systemd_and_listens_on_a_unix_socket(
    start: Callable[..., Process], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("notify")
        systemd.settimeout(LIMIT)
        with socket.socket(socket.AF_UNIX) as killed:  # its server was killed, and left the file
            killed.bind("lstm.sock")
        server = start("--uds", "lstm.sock", NOTIFY_SOCKET=str(Path("notify").absolute()))
        assert systemd.recv(1000).startswith(b"READY=1")
        second = start("--uds", "lstm.sock")
        assert second.end() == 4
        assert "the socket lstm.sock is in use" in second.event("error")["message"]
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(LIMIT)
            client.connect("lstm.sock")
            client.sendall(b"GET /ping HTTP/1.0\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
        server.process.send_signal(signal.SIGHUP)
        reloading, _, since = systemd.recv(1000).partition(b"\nMONOTONIC_USEC=")
        assert (reloading, since.isdigit()) == (b"RELOADING=1", True)  # as Type=notify-reload needs it
        assert systemd.recv(1000) == b"READY=1"
        server.process.send_signal(signal.SIGTERM)
        assert systemd.recv(1000) == b"STOPPING=1"
        assert server.end() == 143
    assert not Path("lstm.sock").exists()


def test_a_port_in_use_ends_before_the_model_is_loaded(start: Callable[..., Process], tmp_path: Path) -> None:
    (tmp_path / "run" / "run.json").write_text("broken")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = start("--port", str(port))
        assert server.end() == 4
    assert server.event("error")["message"] == f"port {port} of 127.0.0.1 is in use by another program"


def test_an_unusable_address_or_token_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    for uds, message in (
        (str(tmp_path / "empty"), "is not a socket"),
        ("a" * 200, "path of 200 bytes is too long"),
    ):
        with pytest.raises(OutputError, match=message), listening(ServeConfig(uds=uds)):
            pass
    with (
        pytest.raises(UsageError, match="has no address"),
        listening(ServeConfig(host="host.invalid", no_auth=True)),
    ):
        pass
    (tmp_path / "spaced").write_text("a b\n")
    for name, message in (("absent", "no such file"), ("empty", "is empty"), ("spaced", "with a space")):
        with pytest.raises(OutputError, match=message) as raised:
            Tokens(str(tmp_path / name))
        assert "openssl rand" in raised.value.hint


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_an_empty_token_file_is_refused_before_the_run_is_opened(
    options: tuple[str, ...], start: Callable[..., Process], tmp_path: Path
) -> None:
    (tmp_path / "tokens").write_text("")
    server = start("--port", "0", "--token-file", str(tmp_path / "tokens"), *options)
    assert server.end() == 4
    assert "is empty" in server.event("error")["message"]
