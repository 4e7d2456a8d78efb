"""Fixtures that run `lstm` in this process and return what it printed."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from lstm_cli.cli.main import run as lstm

Json = Callable[..., dict[str, Any]]
ErrorOf = Callable[..., tuple[int, str]]


@pytest.fixture
def as_json(capfd: pytest.CaptureFixture[str]) -> Json:
    """Return a function that runs a command with --json and returns its report."""

    def call(*command: object, code: int = 0) -> dict[str, Any]:
        capfd.readouterr()
        assert lstm([*map(str, command), "--json"]) == code
        report: dict[str, Any] = json.loads(capfd.readouterr().out)
        return report

    return call


@pytest.fixture
def error_of(capfd: pytest.CaptureFixture[str]) -> ErrorOf:
    """Return a function that runs a command quietly and returns its exit code and its errors."""

    def call(*command: object) -> tuple[int, str]:
        capfd.readouterr()
        code = lstm([*map(str, command), "-q"])
        return code, capfd.readouterr().err

    return call
