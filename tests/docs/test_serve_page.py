"""Tests of docs/how-to/serve.md: its units start a server, its requests work, and its metrics exist."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml  # dask, which the development dependencies include, needs it
from fenced import DOCS, blocks, exit_codes

from lstm_cli.serving.model import ServedModel

PAGE = "how-to/serve.md"
ROOT = DOCS.parent
HOME, ADDRESS = "/home/ana/forecast", "127.0.0.1:8000"
LIMIT = 120.0  # seconds, which only end a hanging test
WITHOUT_TORCH = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


@dataclass(frozen=True, kw_only=True)
class Served:
    """Server that was started as a unit says."""

    folder: Path  # working directory
    address: str  # host and port; "" for a Unix socket
    process: subprocess.Popen[str]


def unit(name: str) -> ConfigParser:
    """Return a unit of the page by its name."""
    (text,) = (text for text in blocks(PAGE, "ini") if text.startswith(f"# /etc/systemd/system/{name}\n"))
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd heeds case
    parser.read_string(text.replace("\\\n", ""))
    return parser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the page, with a small run, and new rows in each format."""
    folder = tmp_path_factory.mktemp("forecast")
    run = folder / "runs" / "load"
    shutil.copytree(ROOT / "tests" / "rundir" / "golden" / "run", run)
    description = ServedModel.load(run, threads=1).describe()
    (folder / "new.csv").write_text(description.example_csv)
    (folder / "new.json").write_text(json.dumps(description.example_records))
    pd.DataFrame.from_records(list(description.example_records)).to_parquet(folder / "new.parquet")
    (folder / "tokens.txt").write_text("f00d\n")
    return folder


@contextmanager
def started(folder: Path, name: str, tmp_path: Path) -> Iterator[Served]:
    """Start the command of a unit, and yield the server when it is ready for systemd."""
    notices = tmp_path / "notify"
    service = unit(name)["Service"]
    command = service["ExecStart"].replace("/run/forecast-%i", str(tmp_path)).replace("8000", "0")
    program, *words = shlex.split(command)
    assert program == f"{HOME}/.venv/bin/lstm"
    assert service["WorkingDirectory"] == HOME
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(notices))
        notify.settimeout(LIMIT)
        process = subprocess.Popen(
            [sys.executable, "-m", "lstm_cli", *words],
            cwd=folder,
            env=os.environ | WITHOUT_TORCH | {"NOTIFY_SOCKET": str(notices)},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        try:
            state = notify.recv(1000).decode()
            assert state.startswith("READY=1")
            at = re.search(r"http://([\d.:]+)", state)
            yield Served(folder=folder, address=at[1] if at else "", process=process)
        finally:
            process.kill()
            process.communicate()


def run_lines(served: Served, text: str) -> str:
    """Run lines of a shell on the server, in which each answer must be a success, and return stdout."""
    text = text.replace(ADDRESS, served.address).replace(
        "horizon=12", "horizon=2"
    )  # the run has a horizon of 7
    script = "set -eu\n" + text.replace("curl ", "curl -fsS ")
    done = subprocess.run(
        ["sh", "-c", script], cwd=served.folder, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_unit_starts_a_server_that_answers_the_requests(folder: Path, tmp_path: Path) -> None:
    with started(folder, "forecast.service", tmp_path) as served:
        _, requests, *_ = blocks(PAGE, "sh")
        printed = run_lines(served, requests)
        assert printed.count('"forecast":') == 3
        assert "sales_lo80" in (folder / "forecast.csv").read_text()
        assert (folder / "forecast.parquet").read_bytes()[:4] == b"PAR1"
        (python,) = blocks(PAGE, "python")
        python = python.replace(ADDRESS, served.address) + "\nassert len(forecast) > 0"
        subprocess.run([sys.executable, "-c", python], cwd=folder, check=True, timeout=LIMIT)
        known = run_lines(served, f"curl http://{ADDRESS}/metrics")
        named = set(re.findall(r"lstm_\w+", (DOCS / PAGE).read_text()))
        assert {name for name in named if f"\n{name}" not in known} == set()
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(LIMIT) == int(unit("forecast.service")["Service"]["SuccessExitStatus"])


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_template_serves_at_its_socket_with_a_token(folder: Path, tmp_path: Path) -> None:
    with started(folder, "forecast@.service", tmp_path) as served:
        curl = f"curl --unix-socket {shlex.quote(str(tmp_path / 'load.sock'))}"
        run_lines(served, f"{curl} http://localhost/v2/health/ready")
        token = '-H "Authorization: Bearer $(head -n 1 tokens.txt)"'
        assert '"forecast":' in run_lines(served, f"{curl} {token} http://localhost/v1/forecast")
        done = subprocess.run(
            ["sh", "-c", f"{curl} -s -o /dev/null -w '%{{http_code}}' http://localhost/metrics"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout == "401"  # so the scrape configuration has a token


def test_the_options_are_those_of_the_reference() -> None:
    known, named = (
        set(re.findall(r"`?(--[a-z][a-z-]+)", (DOCS / page).read_text()))
        for page in ("reference/serve.md", PAGE)
    )
    assert named - known == {"--now", "--rollback", "--data-binary"}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    program = tmp_path / "lstm"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    paths = []
    for text in blocks(PAGE, "ini"):
        name = re.match(r"# /etc/systemd/system/(\S+)\n", text)
        assert name is not None
        path = tmp_path / name[1].replace("@", "@1")
        path.write_text(text.replace(f"{HOME}/.venv/bin/lstm", str(program)))
        paths.append(str(path))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *paths], capture_output=True, text=True, check=False
    )
    # It may complain about other units of the machine.
    assert [line for line in done.stderr.splitlines() if "forecast" in line] == []


def test_nginx_and_prometheus_name_the_sockets_of_the_template() -> None:
    (nginx,) = blocks(PAGE, "nginx")
    command = unit("forecast@.service")["Service"]["ExecStart"]
    path = shlex.split(command)[shlex.split(command).index("--uds") + 1]
    sockets = [path.replace("%i", number) for number in ("1", "2")]
    assert re.findall(r"server unix:(\S+);", nginx) == sockets
    assert re.findall(r"proxy_pass http://unix:(\S+):/metrics;", nginx) == sockets
    assert nginx.count("{") == nginx.count("}")
    scraping, rules = map(yaml.safe_load, blocks(PAGE, "yaml"))
    (job,) = scraping["scrape_configs"]
    for target in job["static_configs"]:
        assert f"location = {target['labels']['__metrics_path__']} {{" in nginx
        assert f"listen {target['targets'][0]};" in nginx
    assert [rule["alert"] for rule in rules["groups"][0]["rules"]] == [
        "ForecastDataStale",
        "ForecastModelNotLoaded",
        "ForecastRefused",
    ]


def test_the_exit_codes_are_those_of_the_reference() -> None:
    known = exit_codes(DOCS / "reference" / "exit-codes.md")
    listed = {code for code in exit_codes(DOCS / PAGE) if code < 400}  # the others are HTTP statuses
    assert {2, 4, 143} <= listed <= known
