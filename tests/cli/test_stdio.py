"""Tests of pipes, closed streams, full disks and signals, in new processes with fake steps."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time

import fake_steps
import pytest
from log_lines import TIME, untimed, without_summary

NEEDS_FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full not found")  # noqa: PTH110


def run(*argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **environ):
    return subprocess.run(
        fake_steps.command(*argv),
        env=fake_steps.environment(**environ),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        check=False,
    )


def shell(line, folder=None, **environ):
    """Run a shell line with the command $lstm, and return its exit code, stdout and stderr."""
    command = " ".join(f"'{word}'" for word in fake_steps.command())
    ended = subprocess.run(
        ["sh", "-c", line.replace("$lstm", command)],
        cwd=folder,
        env=fake_steps.environment(**environ),
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("verb", fake_steps.VERBS)
def test_json_is_the_only_output_on_stdout(lstm, verb, tmp_path):
    output = ["-o", str(tmp_path / "f.csv")] if verb == "predict" else []
    code, out, _ = lstm(*fake_steps.arguments(verb), *output, "--json")
    assert code == 0
    assert isinstance(json.loads(out), dict)
    assert out.count("\n") == 1


def test_json_into_a_pipe():
    ended = run("evaluate", "run", "--json")
    assert isinstance(json.loads(ended.stdout), dict)
    assert (ended.returncode, ended.stdout.count("\n"), without_summary(ended.stderr)) == (0, 1, "")


def test_predict_writes_only_rows_to_stdout():
    ended = run("predict", "run")
    assert ended.stdout == "date,OT\n" + "2018-06-26 20:00:00,31.5\n" * 24
    assert without_summary(ended.stderr) == "warning[M102]: the model is older than the data\n"


def test_refresh_writes_only_rows_to_stdout_and_the_verdict_to_stderr():
    ended = run("refresh", "run", "data.csv", "-o", "-")
    assert ended.stdout == "date,load\n2018-06-27 20:00:00,7\n"
    assert ", 24 rows to standard output, " in ended.stderr


def test_predict_into_a_file_prints_the_path_on_stderr(tmp_path):
    ended = run("predict", "run", "-o", str(tmp_path / "f.csv"))
    assert ended.stdout == ""
    assert untimed(ended.stderr).splitlines()[-1] == (
        f"predict run: 24 rows to {tmp_path / 'f.csv'}, 2018-06-26 20:00:00 to 2018-06-27 19:00:00, int8, "
        "reads 1,008 rows, N s"
    )


def test_warnings_go_to_stderr():
    ended = run("prepare", "data.csv", "run")
    assert (
        without_summary(ended.stderr)
        == "warning[D602]: 3 cells are filled, first in line 7; --missing decides\n"
    )
    assert "warning" not in ended.stdout


def test_a_log_has_one_line_per_epoch_and_no_escapes():
    ended = run("train", "run", FAKE_EPOCHS="5")
    assert all(TIME.match(line) for line in ended.stderr.splitlines())
    lines = untimed(ended.stderr).splitlines()
    assert [line.split()[2] for line in lines if line.startswith("segment")] == [f"{n}/5" for n in range(6)]
    assert len(lines) == 9  # plus the device, the start and the summary
    assert "\x1b" not in ended.stderr + ended.stdout
    assert "\r" not in ended.stderr + ended.stdout


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_broken_pipe_prints_no_error(unbuffered):
    """With PYTHONUNBUFFERED a partial write to the pipe would count as complete."""
    line = "{ $lstm predict run; echo $? >&2; } | head -n 1"
    code, out, err = shell(line, FAKE_ROWS="200000", PYTHONUNBUFFERED=unbuffered)
    assert (code, out) == (0, "date,OT\n")
    assert err == "warning[M102]: the model is older than the data\n141\n"


@pytest.mark.parametrize(
    "argv", ["evaluate run", "evaluate run --json", "--help", "train --help", "--version"]
)
def test_pipe_without_reader(argv):
    reads, writes = os.pipe()
    os.close(reads)
    ended = run(*argv.split(), stdout=writes)
    os.close(writes)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_training_continues_without_a_reader():
    _, _, err = shell("{ { $lstm train run --json 2>&1 1>&3 3>&-; echo $? >&4; } | true; } 3>/dev/null 4>&2")
    assert err == "0\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("argv", ["predict run -o forecast.csv", "evaluate run", "train run"])
def test_closed_streams(closed, argv, tmp_path):
    code, _, err = shell(f"$lstm {argv} {closed}", tmp_path)
    assert code == 0
    assert "Traceback" not in err
    assert "ignored" not in err


@pytest.mark.parametrize(
    ("argv", "hint"),
    [
        ("predict run", "-o forecast.csv"),
        ("predict run --json -o forecast.csv", "remove --json"),
        ("evaluate run --json", "remove --json"),
        ("train run --json", "remove --json"),
        ("config run --toml", "> lstm.toml"),
    ],
)
def test_closed_stdout_is_refused_before_any_work(argv, hint):
    code, _, err = shell(f"$lstm {argv} >&-")
    error, advice = err.splitlines()
    assert code == 4
    assert error == "error: standard output is closed, so the result cannot be written"
    assert advice.startswith("hint: ")
    assert hint in advice


def test_usage_error_has_priority_over_closed_stdout():
    assert shell("$lstm predict run --json >&-")[0] == 2


@NEEDS_FULL
@pytest.mark.parametrize("argv", ["predict run", "evaluate run", "evaluate run --json", "--help"])
def test_disk_full_on_stdout(argv):
    code, _, err = shell(f"$lstm {argv} >/dev/full")
    assert code == 4
    assert "error: standard output: disk full\nhint: " in err
    assert "ignored" not in err


@NEEDS_FULL
def test_disk_full_on_stderr():
    code, out, _ = shell("$lstm predict run 2>/dev/full")
    assert (code, out.count("\n")) == (0, 25)


@pytest.mark.parametrize("locale", ["C", "POSIX", "de_DE.ISO-8859-1"])
def test_output_is_utf_8_in_every_locale(locale):
    ended = subprocess.run(
        fake_steps.command("prepare", "dätä.csv", "run"),
        env=fake_steps.environment(LC_ALL=locale, PYTHONUTF8="0", PYTHONIOENCODING="latin-1"),
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0
    assert "dätä.csv".encode() in ended.stdout


@pytest.fixture(autouse=True)
def signals_as_in_a_terminal():
    """Restore INT and HUP, which tests in the background or under nohup ignore, and so would their child processes."""
    handlers = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for signum, handler in handlers.items():
        signal.signal(signum, handler)


def start(*argv, **environ):
    return subprocess.Popen(
        fake_steps.command(*argv),
        env=fake_steps.environment(PYTHONUNBUFFERED="1", **environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process, text):
    seen = ""
    while text not in seen:
        line = process.stderr.readline()
        assert line, seen
        seen += line
    return seen


def send_until_error(process, signum):
    """Send a signal until the command prints an error, because two signals may merge; return its stderr."""
    seen = ""
    while "error: " not in seen:
        process.send_signal(signum)
        if select.select([process.stderr], [], [], 20)[0]:
            line = process.stderr.readline()
            assert line, seen
            seen += line
    return seen + process.stderr.read()


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_training_stops_at_its_next_step(signum, code):
    process = start("train", "run", FAKE_EPOCHS="100000", FAKE_PATIENT="1")
    wait_for(process, "epoch      1/100000")
    process.send_signal(signum)
    out, err = process.communicate(timeout=1200)
    assert (process.returncode, out) == (code, "")
    assert "stopped at a step\n" in err
    assert f"error: interrupted by {signum.name}\nhint: " in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_other_verbs_stop_immediately(signum, code):
    process = start("predict", "run", FAKE_SLEEP="3600")
    wait_for(process, "warning[M102]: ")
    process.send_signal(signum)
    out, err = process.communicate(timeout=1200)
    assert (process.returncode, out) == (code, "")
    assert err.startswith(f"error: interrupted by {signum.name}\nhint: ")


def test_a_second_signal_stops_training_immediately():
    process = start("train", "run", FAKE_STEP="3600", FAKE_PATIENT="1")
    wait_for(process, "in a long step")
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    err = send_until_error(process, signal.SIGINT)
    assert process.wait(timeout=1200) == 130
    assert "stopped at a step" not in err


def test_training_in_a_long_step_stops_too():
    process = start("train", "run", FAKE_STEP="3600")
    wait_for(process, "in a long step")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=1200)
    assert process.returncode == 143


def test_a_second_signal_stops_code_that_swallows_exceptions():
    process = start("train", "run", FAKE_DEAF="1", FAKE_PATIENT="1")
    wait_for(process, "training segment")
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    err = send_until_error(process, signal.SIGTERM)
    assert process.wait(timeout=1200) == 143
    assert err.startswith("error: interrupted by SIGTERM\nhint: ")


def test_term_ends_a_command_whose_reader_does_not_read():
    """Check that the flush before the error does not wait for the reader of a full pipe."""
    program = (
        "from lstm_cli.cli import app, main\n"
        "app.parse = lambda argv: lambda: print('x' * (1 << 20))\n"
        "main.main(['predict', 'run'])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    select.select([process.stdout], [], [])  # it has begun to write
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=1200) == 143
    assert (
        process.stderr.read()
        == "error: interrupted by SIGTERM\nhint: run the same command again when you are ready\n"
    )
    process.communicate()


def test_nohup_ignores_sighup():
    """Training continues after SIGHUP if its parent process ignores SIGHUP."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start("train", "run", FAKE_EPOCHS="8", FAKE_STEP="0.01")
    finally:
        signal.signal(signal.SIGHUP, before)
    wait_for(process, "epoch 1/8")
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=1200)
    assert process.returncode == 0


def in_terminal(*argv, **environ):
    """Return the stdout and stderr of a command in a terminal, combined."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        fake_steps.command(*argv),
        env=fake_steps.environment(**{"TERM": "xterm-256color", "NO_COLOR": "", **environ}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.wait(timeout=1200) == 0
    return shown.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal")
class TestInATerminal:
    def test_bar_moves_and_epoch_lines_stay(self):
        shown = in_terminal("train", "run", FAKE_STEP="0.02")
        assert "\x1b[" in shown
        assert "epoch 2/2  train loss 0.5000  val MASE 0.4000" in shown
        assert "steps" in shown
        assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1  # the cursor is visible again

    @pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
    def test_no_escapes_without_color_support(self, environ):
        for argv in (["train", "run"], ["evaluate", "run"], ["evaluate", "--help"]):
            shown = in_terminal(*argv, **environ)
            assert "\x1b" not in shown
            assert "\r" not in shown.replace("\r\n", "\n")

    def test_the_best_value_is_colored(self):
        assert "\x1b[1;32m" in in_terminal("evaluate", "run")
