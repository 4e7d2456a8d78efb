"""Tests of Ctrl-C, tracebacks and progress, in this process and in new ones."""

import re
import signal
import subprocess
import sys
import traceback
import types
from pathlib import Path

import pytest

import lstm_cli as lstm
from lstm_cli.api import notebook
from lstm_cli.api.running import stopping_at_ctrl_c
from lstm_cli.events import EpochEnded, Note, Progressed, TrainingStarted
from lstm_cli.findings import MODEL, Finding

TRAINING = """
import logging, sys
import lstm_cli as lstm
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
try:
    run = lstm.open_run(sys.argv[1])
    run.train(hidden=8, epochs=99, patience=99, batch_size=4, parts="anchored", threads=1)
except KeyboardInterrupt as stopped:
    print("stopped:", stopped)
"""
LOADED = """
import sys
import lstm_cli as lstm
before = {"torch", "pandas", "numpy", "typer", "rich"} & set(sys.modules)
assert lstm.prepare and lstm.DataError and "prepare" in dir(lstm)
after = {"torch", "pandas", "typer", "rich", "IPython"} & set(sys.modules)
print(before, after)
"""


def test_importing_loads_no_heavy_package() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout == "set() set()\n"


def test_every_public_name_exists_and_others_do_not() -> None:
    for name in lstm.__all__:
        assert getattr(lstm, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        lstm.absent  # noqa: B018


def test_ctrl_c_leaves_a_checkpoint(run: Path) -> None:
    command = [sys.executable, "-u", "-c", TRAINING, str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if re.search("epoch +1/", line):
                process.send_signal(signal.SIGINT)
    assert process.returncode == 0
    assert lines[-1] == "stopped: train was stopped; the same call resumes it\n"
    assert (run / "checkpoint").is_dir()


def stop_after(signals: int, seen: list[int | None]) -> None:
    """Send signals to a step, and add what `should_stop` returns after the last one."""
    with stopping_at_ctrl_c() as should_stop:
        for _ in range(signals):
            signal.raise_signal(signal.SIGINT)
        seen.append(should_stop())


def test_the_first_ctrl_c_waits_for_a_safe_point_and_the_second_one_does_not() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    seen: list[int | None] = []
    stop_after(0, seen)
    for signals in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            stop_after(signals, seen)
    assert seen == [None, signal.SIGINT]  # the second signal ends the step at once
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_expected_error_has_a_short_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def frames() -> int:
        with pytest.raises(lstm.DataError) as caught:
            lstm.prepare(tmp_path / "absent.csv", tmp_path / "run")
        assert "hint: check the path" in str(caught.value)
        return len(traceback.extract_tb(caught.value.__traceback__))

    assert frames() == 3  # this test, prepare, and the end of its block
    monkeypatch.setenv("LSTM_DEBUG", "1")
    assert frames() > 3


def test_a_missing_package_is_named_with_its_command(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lstm_cli.config.extras.find_spec", lambda name: None if name == "pandas" else name)
    with pytest.raises(lstm.UsageError, match="needs pandas, which is not installed"):
        lstm.open_run(scored).predict()


class Display:
    """Fake of IPython.display that keeps what it shows."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.HTML = str

    def display(self, html: str, display_id: bool) -> "Display":
        self.shown.append(html)
        return self

    def update(self, html: str) -> None:
        self.shown.append(html)


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Display:
    fake = Display()
    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    monkeypatch.setattr(notebook, "DELAY", 0.0)
    monkeypatch.setattr(notebook, "INTERVAL", 0.0)
    return fake


def test_a_notebook_shows_one_element_that_is_updated(display: Display) -> None:
    assert notebook.is_notebook()
    progress = notebook.NotebookProgress("train")
    progress(Note(text="<b>"))
    progress(Progressed(stage="reading", done=3, total=10))
    progress(TrainingStarted(model="<free>", parameters=1, windows=2, epochs=9, steps_per_epoch=1))
    facts = {"step": 1, "best": True, "lr": 1e-3, "grad_norm": 1.0, "seconds": 1.0}
    progress(EpochEnded(part="<free>", epoch=4, epochs=9, train_loss=0.5, val_loss=None, **facts))
    progress.close()
    note, reading, started, epoch, end = display.shown
    assert "&lt;b&gt;" in note
    assert "<progress value='3' max='10'>" in reading
    assert "&lt;free&gt;" in started
    assert all(text in epoch for text in ("4/9", "0.5000", "<progress value='4' max='9'>"))
    assert end.startswith("<small>train: ")


def test_a_step_in_a_notebook_shows_its_progress(display: Display, scored: Path) -> None:
    lstm.open_run(scored).verify()
    assert display.shown[-1].startswith("<small>verify: ")


def test_html_of_runs_and_reports_is_escaped(scored: Path, tmp_path: Path) -> None:
    run = lstm.open_run(scored)
    html = run._repr_html_()
    assert all(text in html for text in (str(scored), "panel.csv: 260 rows, 2 series", "seasonal naive (7)"))
    report = run.evaluate(threads=1)
    assert "evaluate" in report._repr_html_()
    bad = tmp_path / "<img src=x onerror=alert(1)>"
    bad.symlink_to(scored)
    assert (
        "<img"
        not in lstm.open_run(bad)._repr_html_() + lstm.open_run(bad).stored_report("train")._repr_html_()
    )


def test_a_warning_survives_another_process() -> None:
    finding = Finding(rule="D516", kind=MODEL, text="3 values were filled")
    warning = lstm.DataWarning("D516: 3 values were filled", finding)
    copied = lstm.DataWarning(*warning.args)  # as multiprocessing and pytest-xdist make it again
    assert (copied.rule, str(copied)) == ("D516", str(warning))
