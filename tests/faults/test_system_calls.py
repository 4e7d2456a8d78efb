"""A kill, or a refusal, at each system call on the run directory while a step writes it (strace's inject).

A first run is traced: which calls there are, and how often each is made on which path. Then the step is run once for
each of them, with the fault at that call alone. Training and export are done once and given again: what is tried is
the writing of their results.
"""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from faulted_steps import BY_NAME
from faulty import FULL, LINEAR, Command, artifact_digests, copy_golden, unnamed_files

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
TOLERANT = ("unlink", "unlinkat", "rmdir")  # of what nobody names any more: the next writer tries again
QUICK = 25  # in the suite one of so many calls is tried, each time the same ones, and two of the faults

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@pytest.fixture(scope="module")
def traceable(command: Command, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where this process may not trace another."""
    log = tmp_path_factory.mktemp("trace") / "log"
    command("--version", trace=["-e", "trace=write", "-o", str(log)])
    if not log.exists() or not log.read_text():
        pytest.skip("strace may not attach to a process here")


def words_of(run: Path, calls: str) -> list[str]:
    """What has strace see the calls on the run directory alone, and on what lies in it."""
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
    return ["train", run, *LINEAR] if step == "train" else BY_NAME["prepare"].argv(panel, run)


def seen(command: Command, panel: Path, folder: Path, step: str) -> list[tuple[str, int]]:
    """Each call of a run without a fault: its name, and which of that name it is."""
    run, log = copy_golden(folder / "run"), folder / "log"
    done = command(
        *argv_of(step, panel, run), cached=True, trace=[*words_of(run, ",".join(CALLS)), "-o", str(log)]
    )
    assert done["status"] == 0, done["err"]
    names = re.findall(r"^(?:\d+ +)?(\w+)\(", log.read_text(), flags=re.MULTILINE)
    counted: Counter[str] = Counter()
    found = []
    for name in names:
        counted[name] += 1
        found.append((name, counted[name]))
    shutil.rmtree(folder)
    return found


@pytest.mark.parametrize("fault", ["KILL", "EIO", "ENOSPC", "EINTR"] if FULL else ["KILL", "EIO"])
@pytest.mark.parametrize("step", ["prepare", "train"])
@pytest.mark.usefixtures("traceable")
def test_a_fault_at_each_call(command: Command, panel: Path, tmp_path: Path, step: str, fault: str) -> None:
    base = copy_golden(tmp_path / "base")
    clean = copy_golden(tmp_path / "clean")
    if step == "train":  # once in the process that forks: its children have the result
        assert command(*argv_of(step, panel, clean), cached=True, here=True)["status"] == 0
    else:
        assert command(*argv_of(step, panel, clean))["status"] == 0
    before, after = artifact_digests(base), artifact_digests(clean)
    calls = seen(command, panel, tmp_path / "seen", step)
    assert {"openat", "mkdir", "write", "fsync"} <= {name for name, _ in calls}
    assert {"rename", "renameat2"} & {name for name, _ in calls}
    outcomes: Counter[str] = Counter()
    for name, count in calls if FULL else calls[QUICK - 1 :: QUICK]:
        run = Path(shutil.copytree(base, tmp_path / "run"))
        how = "signal=KILL" if fault == "KILL" else f"error={fault}"
        words = [*words_of(run, name), "-e", f"inject={name}:{how}:when={count}", "-o", "/dev/null"]
        done = command(*argv_of(step, panel, run), cached=True, trace=words)
        where = f"{fault} at {name} {count}: {done['status']} {done['err'][-500:]}"
        now = artifact_digests(run)
        assert now in (before, after), where
        if fault == "KILL":
            assert done["status"] in (-9, 0), where
        elif fault == "EINTR":
            assert done["status"] == 0, where
        elif done["status"] == 0:  # refused where it does not matter
            assert now == after, where
            assert name in TOLERANT or name == "openat", where  # of a file that this step does not read
        else:
            assert done["status"] == 4, where
            assert str(run) in done["err"], where
            assert "Traceback" not in done["err"], where
        outcomes["killed" if done["status"] == -9 else str(done["status"])] += 1
        again = command(*argv_of(step, panel, run), cached=True)
        assert again["status"] == 0, where
        assert artifact_digests(run) == after, where
        assert unnamed_files(run) == [], where
        shutil.rmtree(run)
    print(f"{step} {fault}: {sum(outcomes.values())} calls, {dict(outcomes)}")
    if FULL:
        assert outcomes[{"KILL": "killed", "EINTR": "0"}.get(fault, "4")] > 0
