"""Tests of a kill or an error at each system call on the run directory, injected by strace.

A first run is traced to list the calls. Then the step runs once per call, with the fault at that call. Training and
export are cached, because only the writing of their results is tested.
"""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from faulted_steps import BY_NAME
from faulty import FULL, LINEAR, Command, artifact_digests, copy_golden, copy_two_models, unnamed_files

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

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@pytest.fixture(scope="module")
def traceable(command: Command, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip the test if this process cannot trace another one."""
    log = tmp_path_factory.mktemp("trace") / "log"
    command("--version", trace=["-e", "trace=write", "-o", str(log)])
    if not log.exists() or not log.read_text():
        pytest.skip("strace is not permitted here")


def strace_options(run: Path, calls: str) -> list[str]:
    """Return the options of strace for calls on the run directory and its files."""
    names = [run, run / "run.json", run / "run.json.tmp", run / ".lock"]
    for artifact in ("data", "model"):
        names += [run / artifact]
        for number in ("0001", "0002"):
            folder = run / artifact / number
            names += [folder, *(folder / file for file in FILES[artifact])]
    return ["-e", f"trace={calls}", *(word for name in names for word in ("-P", str(name)))]


FILES = {
    name: sorted(path.name for path in (Path(__file__).parents[1] / "rundir/golden/run" / name).glob("*/*"))
    for name in ("data", "model")
}


def argv_of(step: str, panel: Path, run: Path) -> list[object]:
    return ["train", run, *LINEAR] if step == "train" else BY_NAME[step].argv(panel, run)


def copy_base(step: str, to: Path) -> Path:
    """Make the run before a step."""
    return copy_two_models(to) if step == "rollback" else copy_golden(to)


def list_calls(command: Command, panel: Path, folder: Path, step: str) -> list[tuple[str, int]]:
    """Return the calls of a run without faults: the name, and its number among the calls of this name."""
    run, log = copy_base(step, folder / "run"), folder / "log"
    done = command(
        *argv_of(step, panel, run), cached=True, trace=[*strace_options(run, ",".join(CALLS)), "-o", str(log)]
    )
    assert done["status"] == 0, done["err"]
    names = re.findall(r"^(?:\d+ +)?(\w+)\(", log.read_text(), flags=re.MULTILINE)
    counts: Counter[str] = Counter()
    calls = []
    for name in names:
        counts[name] += 1
        calls.append((name, counts[name]))
    shutil.rmtree(folder)
    return calls


@pytest.mark.parametrize("fault", ["KILL", "EIO", "ENOSPC", "EINTR"] if FULL else ["KILL", "EIO"])
@pytest.mark.parametrize("step", ["prepare", "train", "rollback"])
@pytest.mark.usefixtures("traceable")
def test_a_fault_at_each_call(command: Command, panel: Path, tmp_path: Path, step: str, fault: str) -> None:
    base = copy_base(step, tmp_path / "base")
    clean = Path(shutil.copytree(base, tmp_path / "clean"))
    if step == "train":  # trains once in the forking process, so its forks have the result
        assert command(*argv_of(step, panel, clean), cached=True, here=True)["status"] == 0
    else:
        assert command(*argv_of(step, panel, clean))["status"] == 0
    before, after = artifact_digests(base), artifact_digests(clean)
    calls = list_calls(command, panel, tmp_path / "seen", step)
    assert {"openat", "write", "fsync"} <= {name for name, _ in calls}
    assert {"rename", "renameat2"} & {name for name, _ in calls}
    outcomes: Counter[str] = Counter()
    for name, count in calls if FULL else calls[QUICK - 1 :: QUICK]:
        run = Path(shutil.copytree(base, tmp_path / "run"))
        action = "signal=KILL" if fault == "KILL" else f"error={fault}"
        words = [*strace_options(run, name), "-e", f"inject={name}:{action}:when={count}", "-o", "/dev/null"]
        done = command(*argv_of(step, panel, run), cached=True, trace=words)
        where = f"{fault} at {name} {count}: {done['status']} {done['err'][-500:]}"
        digests = artifact_digests(run)
        assert digests in (before, after), where
        if fault == "KILL":
            assert done["status"] in (-9, 0), where
        elif fault == "EINTR":
            assert done["status"] == 0, where
        elif done["status"] == 0:  # the error was ignored
            assert digests == after, where
            assert name in IGNORED_ERRORS or name == "openat", (
                where
            )  # openat: of a file that this step does not read
        else:
            assert done["status"] == 4, where
            assert str(run) in done["err"], where
            assert "Traceback" not in done["err"], where
        outcomes["killed" if done["status"] == -9 else str(done["status"])] += 1
        repeated = command(*argv_of(step, panel, run), cached=True)
        assert repeated["status"] == 0, where
        assert artifact_digests(run) == after, where
        assert unnamed_files(run) == [], where
        shutil.rmtree(run)
    print(f"{step} {fault}: {sum(outcomes.values())} calls, {dict(outcomes)}")
    if FULL:
        assert outcomes[{"KILL": "killed", "EINTR": "0"}.get(fault, "4")] > 0
