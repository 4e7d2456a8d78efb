"""Fixtures of the cases: a copy of their files, and command lines that run in this process."""

import contextlib
import io
import json
import shlex
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Result of one command line."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return stdout as JSON."""
        return json.loads(self.out)

    @property
    def hint(self) -> str:
        """Return the text of the hint."""
        (line,) = (line for line in self.err.splitlines() if line.startswith("hint: "))
        return line.removeprefix("hint: ")


@pytest.fixture
def lstm(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Outcome]:
    """Return a function that runs a command line in a copy of the folder of the case.

    The case is the name of the test without `test_`.
    """
    from lstm_cli.cli.main import run

    folder = tmp_path / "case"
    shutil.copytree(DATA / request.function.__name__.removeprefix("test_"), folder)
    monkeypatch.chdir(folder)
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def call(line: str) -> Outcome:
        out, err = io.TextIOWrapper(io.BytesIO(), write_through=True), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(shlex.split(line))
        for number, handler in signals.items():
            signal.signal(number, handler)
        return Outcome(code=code, out=out.buffer.getvalue().decode(), err=err.getvalue())

    return call
