import signal
from collections.abc import Iterator

import fake_steps
import pytest


@pytest.fixture(autouse=True)
def stderr_as_text() -> None:
    """A command that was run in this process may have left stderr quiet or as JSON."""
    from lstm_cli.cli import stdio

    stdio.configure_stderr(quiet=False, log_format="text")


@pytest.fixture
def signals_as_they_were() -> Iterator[None]:
    """A command that is run in this process leaves handlers of its own."""
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


@pytest.fixture
def in_a_folder(tmp_path, monkeypatch):
    """The current directory is an empty one."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def lstm(monkeypatch, call):
    """Runs a command line as `call` does, with the fake steps."""
    for verb, module in fake_steps.MODULES.items():
        monkeypatch.setattr(f"{module}.{verb}", getattr(fake_steps, verb))
    monkeypatch.setenv("COLUMNS", "100")
    fake_steps.calls.clear()
    return call


@pytest.fixture
def call(capsys, signals_as_they_were):
    """Runs a command line in this process; returns (exit code, stdout, stderr)."""
    from lstm_cli.cli.main import run

    def called(*argv: str) -> tuple[int, str, str]:
        code = run(list(argv))
        written = capsys.readouterr()
        return code, written.out, written.err

    return called
