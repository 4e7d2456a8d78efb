"""Tests of a kill or an error at each system call on the run directory, injected by strace.

A first run is traced to list the calls. Then the step runs once per call, with the fault at that call. Training and
export are cached, because only the writing of their results is tested.
"""

import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from faulted_steps import BY_NAME, Step
from faulty import FULL, Command, artifact_digests, ledger_names, states, unnamed_files

CALLS = (
    *(
        "openat",
        "mkdir",
        "mkdirat",
        "rename",
        "renameat2",
        "write",
        "pwrite64",
        "fsync",
        "ftruncate",
        "fchmod",
    ),
    *("unlink", "unlinkat", "rmdir"),
)
IGNORED_ERRORS = ("unlink", "unlinkat", "rmdir")  # of old files; the next writer tries again
QUICK = 25  # the test suite tests every 25th call and two of the faults
QUICK_OF = {"refresh": 90, "score": 10, "predict --record": 10}  # of steps with more calls or fewer
OLD = b"an older forecast\n"
FORECAST = "forecast.csv"

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@pytest.fixture(scope="module")
def traceable(command: Command, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip the test if this process cannot trace another one."""
    log = tmp_path_factory.mktemp("trace") / "log"
    command("--version", trace=["-e", "trace=write", "-o", str(log)])
    if not log.exists() or not log.read_text():
        pytest.skip("strace is not permitted here")


def strace_options(run: Path, names: list[str], calls: str) -> list[str]:
    """Return the options of strace for calls on the run directory, the forecast and their files."""
    paths = [run, *(run / name for name in names)]
    return ["-e", f"trace={calls}", *(word for path in paths for word in ("-P", str(path)))]


def names_in(*runs: Path) -> list[str]:
    """Return the paths in a run that a step reads or writes, from the runs before and after the step."""
    found = {path.relative_to(run) for run in runs for path in run.rglob("*")}
    replaced = {path for path in found if path.parts[0] == "ledger" and len(path.parts) > 1}
    replaced.add(Path("..") / FORECAST)
    return [
        *("run.json.tmp", ".lock"),
        *sorted(map(str, found | replaced)),
        *(str(path.parent / f".{path.name}.lstm-0.tmp") for path in sorted(replaced)),
    ]


def make_run(step: Step, base: Path, to: Path) -> Path:
    """Copy the run before a step, next to an older forecast."""
    to.parent.mkdir()
    (to.parent / FORECAST).write_bytes(OLD)
    return Path(shutil.copytree(base, to))


def list_calls(
    command: Command, argv: list[object], run: Path, names: list[str], options: dict[str, Any]
) -> list[tuple[str, int]]:
    """Return the calls of a run without faults: the name, and its number among the calls of this name."""
    log = run.parent / "log"
    words = [*strace_options(run, names, ",".join(CALLS)), "-o", str(log)]
    done = command(*argv, cached=True, trace=words, **options)
    assert done["status"] == 0, done["err"]
    found = re.findall(r"^(?:\d+ +)?(\w+)\(", log.read_text(), flags=re.MULTILINE)
    counts: Counter[str] = Counter()
    calls = []
    for name in found:
        counts[name] += 1
        calls.append((name, counts[name]))
    shutil.rmtree(run.parent)
    return calls


@pytest.mark.parametrize("fault", ["KILL", "EIO", "ENOSPC", "EINTR"] if FULL else ["KILL", "EIO"])
@pytest.mark.parametrize("name", ["prepare", "train", "rollback", "predict --record", "score", "refresh"])
@pytest.mark.usefixtures("traceable")
def test_a_fault_at_each_call(command: Command, panel: Path, tmp_path: Path, name: str, fault: str) -> None:
    step = BY_NAME[name]
    base = tmp_path / "base"
    step.before(base)
    clean = make_run(step, base, tmp_path / "clean" / "run")
    trains = step.name in ("train", "refresh")  # once in the forking process, so its forks have the result
    assert command(*step.argv(panel, clean), cached=True, here=trains, **step.options)["status"] == 0
    before, after, recorded = artifact_digests(base), artifact_digests(clean), ledger_names(clean)
    allowed = states(before, after, step.order)
    expected = (clean.parent / FORECAST).read_bytes()
    names = names_in(base, clean)
    seen = make_run(step, base, tmp_path / "seen" / "run")
    calls = list_calls(command, step.argv(panel, seen), seen, names, step.options)
    assert {"openat", "write", "fsync"} <= {call for call, _ in calls}
    assert {"rename", "renameat2"} & {call for call, _ in calls}
    outcomes: Counter[str] = Counter()
    every = QUICK_OF.get(name, QUICK)
    for call, count in calls if FULL else calls[every - 1 :: every]:
        run = make_run(step, base, tmp_path / "trial" / "run")
        action = "signal=KILL" if fault == "KILL" else f"error={fault}"
        words = [*strace_options(run, names, call), "-e", f"inject={call}:{action}:when={count}"]
        argv = step.argv(panel, run)
        done = command(*argv, cached=True, trace=[*words, "-o", "/dev/null"], **step.options)
        where = f"{fault} at {call} {count}: {done['status']} {done['err'][-800:]}"
        digests, forecast = artifact_digests(run), (run.parent / FORECAST).read_bytes()
        assert digests in allowed, where
        if fault == "KILL":
            assert done["status"] in (-9, 0), where
        elif fault == "EINTR":
            assert done["status"] == 0, where
        elif done["status"] == 0:  # the error was ignored
            # openat: of a file that this step does not read, or of the model during the comparison of refresh
            assert call in IGNORED_ERRORS or call == "openat", where
            assert digests == after or (call == "openat" and step.order), where
        else:
            assert done["status"] == 4, where
            assert str(run.parent) in done["err"], where
            assert "Traceback" not in done["err"], where
        if digests == before and fault == "KILL":
            assert forecast in (OLD, expected), where
        assert forecast == OLD or len(forecast.splitlines()) == len(expected.splitlines()), where
        outcomes["killed" if done["status"] == -9 else str(done["status"])] += 1
        repeated = command(*argv, cached=True, **step.options)
        assert repeated["status"] == 0, f"{where}, then {repeated['err']}"
        assert artifact_digests(run) == after, where
        assert unnamed_files(run) == [], where
        assert set(recorded) <= set(ledger_names(run)), where  # and the forecast of a model that stayed
        assert (run.parent / FORECAST).read_bytes() == expected, where
        shutil.rmtree(run.parent)
    print(f"{name} {fault}: {sum(outcomes.values())} calls, {dict(outcomes)}")
    if FULL:
        assert outcomes[{"KILL": "killed", "EINTR": "0"}.get(fault, "4")] > 0
