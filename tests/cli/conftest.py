import signal
from collections.abc import Iterator

import fake_steps
import pytest


@pytest.fixture(autouse=True)
def stderr_as_text() -> None:
    """Reset stderr to text, because an earlier command in this process may have changed it."""
    from lstm_cli.cli import stdio

    stdio.configure_stderr(quiet=False, log_format="text")


@pytest.fixture
def signals_as_they_were() -> Iterator[None]:
    """Restore the signal handlers, because a command in this process installs its own."""
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


@pytest.fixture
def in_a_folder(tmp_path, monkeypatch):
    """Change to an empty directory."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def lstm(monkeypatch, call):
    """Return `call` with the fake steps."""
    for verb, module in fake_steps.MODULES.items():
        monkeypatch.setattr(f"{module}.{verb}", getattr(fake_steps, verb))
    monkeypatch.setenv("COLUMNS", "100")
    fake_steps.calls.clear()
    return call


@pytest.fixture
def call(capsys, signals_as_they_were):
    """Return a function that runs a command line in this process and returns (exit code, stdout, stderr)."""
    from lstm_cli.cli.main import run

    def called(*argv: str) -> tuple[int, str, str]:
        code = run(list(argv))
        written = capsys.readouterr()
        return code, written.out, written.err

    return called
