"""Tests of ONNX graphs made to harm: only lines of lstm on stderr, and TERM ends each verb.

`make faults` changes 500 graphs, the test suite only a few.
"""

import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from faulty import FULL, Command, copy_golden, trial_count
from hostile_graphs import (
    changed_graph,
    endless_graph,
    failing_graph,
    read_graph,
    replace_graphs,
    slow_graph,
)

OURS = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ .*|(warning|error)(\[\w\d+\])?: .*|hint: .*", flags=re.ASCII
)
VERBS = {
    "predict": ("predict", "--threads", "1"),
    "evaluate": ("evaluate", "--force", "--threads", "1"),
    "quantize": ("quantize", "--force", "--max-loss", "1000%"),
    "export": ("export",),
    "verify": ("verify",),
}
CODES = {0, 3, 4, 5, 7}  # 3: the forecast is not finite, 5: too inaccurate, 7: out of memory


def require_our_lines(err: str) -> None:
    for line in err.splitlines():
        assert OURS.fullmatch(line), err
        assert line.isprintable(), err


def test_the_log_of_onnx_runtime_is_not_printed(command: Command, tmp_path: Path) -> None:
    """ONNX Runtime logs a node that fails, with its name, in its own format with escape codes."""
    run = copy_golden(tmp_path / "run")
    replace_graphs(run, failing_graph(read_graph(run)))
    for argv in VERBS.values():
        done = command(argv[0], run, *argv[1:], "-q")
        assert done["status"] == (0 if argv[0] in ("export", "verify") else 4), done["err"]
        require_our_lines(done["err"])
        assert done["status"] == 0 or "red" in done["err"]


def test_changed_graphs(command: Command, tmp_path: Path, rng: random.Random) -> None:
    base = copy_golden(tmp_path / "base")
    model, codes = read_graph(base), Counter()
    for trial in range(trial_count(500, 2)):
        run = Path(shutil.copytree(base, tmp_path / "run"))
        replace_graphs(run, changed_graph(model, rng))
        for argv in VERBS.values():
            done = command(argv[0], run, *argv[1:], kill_after=120)
            assert done["status"] in CODES, f"trial {trial}, {argv[0]}: {done['status']} {done['err']}"
            require_our_lines(done["err"])
            codes[done["status"]] += 1
        shutil.rmtree(run)
    print(f"changed graphs: {codes.total()} commands, exit codes {dict(codes)}")


# The test suite tests each graph and each verb, `make faults` each pair.
@pytest.mark.parametrize(
    ("kind", "verbs"),
    [
        ("endless", ("predict", "evaluate", "quantize")),
        ("endless and empty", ("predict", "evaluate", "quantize") if FULL else ("predict",)),
        ("slow to load", ("predict", "evaluate", "quantize") if FULL else ("predict",)),
    ],
    ids=["endless", "endless and empty", "slow to load"],
)
def test_term_ends_native_code(tmp_path: Path, kind: str, verbs: tuple[str, ...]) -> None:
    run = copy_golden(tmp_path / "run")
    model = read_graph(run)
    graph = slow_graph(model) if kind == "slow to load" else endless_graph(model, is_empty="empty" in kind)
    replace_graphs(run, graph)
    for verb in verbs:
        argv = [sys.executable, "-m", "lstm_cli", verb, str(run), *VERBS[verb][1:]]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for_native_code(process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=1200)  # without a limit it would not end
        assert (process.returncode, out) == (143, ""), err
        assert "error: interrupted by SIGTERM\nhint: " in err
        require_our_lines(err)


def wait_for_native_code(process: "subprocess.Popen[str]") -> None:
    """Wait until ONNX Runtime is loaded and the process has computed for a second more."""
    maps, stat = Path(f"/proc/{process.pid}/maps"), Path(f"/proc/{process.pid}/stat")
    while "onnxruntime_pybind11_state" not in maps.read_text():
        assert process.poll() is None
        time.sleep(0.05)
    seconds = _cpu_seconds(stat)
    while _cpu_seconds(stat) < seconds + 1:
        assert process.poll() is None
        time.sleep(0.05)


def _cpu_seconds(stat: Path) -> float:
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
