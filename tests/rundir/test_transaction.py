import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from small_run import child, prepare, train, tree, wait_for

from lstm_cli.errors import LockedError, MissingArtifact
from lstm_cli.rundir import open_run, transaction, writing

HOLD = """
with rundir.writing(path, step="train") as writer:
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(run: Path):
    """Another process that holds the lock until it reads a line."""
    process = child(HOLD, run, stdin=subprocess.PIPE)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_writer_is_refused_at_once_by_pid_and_host(
    run: Path, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(run)
    pauses: list[float] = []
    monkeypatch.setattr(transaction.time, "sleep", pauses.append)
    with pytest.raises(LockedError) as caught:
        train(run)
    assert pauses == []
    assert caught.value.exit_code == 6
    assert f"process {holder.pid} on host '{os.uname().nodename}'" in caught.value.message
    assert "--lock-wait" in caught.value.hint
    assert tree(run) == before


def test_readers_do_not_wait(run: Path, holder: subprocess.Popen[str]) -> None:
    assert open_run(run).artifact("model").bytes("model.onnx") == b"graph of weights"


def test_a_writer_waits_as_long_as_it_is_told(run: Path, holder: subprocess.Popen[str]) -> None:
    start = time.monotonic()
    with pytest.raises(LockedError):
        train(run, lock_wait=0.4)
    assert time.monotonic() - start >= 0.4
    waiter = child("train(path, b'waited', lock_wait=300)", run)
    time.sleep(0.5)
    holder.communicate("done\n")
    assert wait_for(waiter) == (0, "", "")
    assert open_run(run).artifact("model").bytes("weights.safetensors") == b"waited"
    assert not (run / ".lock").exists()


def test_a_killed_holder_leaves_nothing_to_clean_up(run: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (run / ".lock").exists()
    train(run, b"next")
    assert open_run(run).artifact("model").bytes("weights.safetensors") == b"next"
    assert not (run / ".lock").exists()


@pytest.mark.parametrize("text", ["{pid} another-host\n", "1 here\n", "", "\0" * 500, "nonsense"])
def test_an_unheld_lock_file_is_no_lock_whatever_it_says(run: Path, text: str) -> None:
    (run / ".lock").write_text(text.replace("{pid}", str(os.getpid())))
    train(run)
    assert not (run / ".lock").exists()


def test_a_lock_file_removed_while_waiting_is_not_taken_for_the_lock(run: Path) -> None:
    """A waiter that locks the removed file of the one before would be beside the one after."""
    first = transaction.acquire_lock(run)
    waiting = os.open(run / ".lock", os.O_RDWR)
    transaction.release_lock(first)
    assert transaction.try_lock(waiting)
    assert not transaction.is_same_file(run / ".lock", waiting)
    second = transaction.acquire_lock(run)  # free: the waiter holds a file that is no longer there
    assert not transaction.is_same_file(run / ".lock", waiting)
    transaction.release_lock(second)
    os.close(waiting)


def test_a_lock_on_a_removed_file_is_taken_anew(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = transaction.acquire_lock(run)
    genuine = transaction.try_lock

    def let_go_first(descriptor: int) -> bool:
        monkeypatch.setattr(transaction, "try_lock", genuine)
        transaction.release_lock(first)  # after the waiter opened the file, before it locked it
        return genuine(descriptor)

    monkeypatch.setattr(transaction, "try_lock", let_go_first)
    second = transaction.acquire_lock(run)
    assert transaction.is_same_file(run / ".lock", second.descriptor)
    transaction.release_lock(second)


def test_a_fork_of_the_holder_does_not_release(run: Path) -> None:
    held = transaction.acquire_lock(run)
    pid = os.fork()
    if pid == 0:
        transaction.release_lock(held)
        os._exit(0)
    os.waitpid(pid, 0)
    assert (run / ".lock").exists()
    with pytest.raises(LockedError):
        transaction.acquire_lock(run)
    transaction.release_lock(held)


def test_of_many_writers_at_once_exactly_one_writes_at_a_time(run: Path) -> None:
    source = """
from lstm_cli.errors import LockedError
try:
    with rundir.writing(path, step="train", lock_wait=float(sys.argv[2])) as writer:
        (path.parent / "inside").mkdir()  # fails where another writer is inside
        time.sleep(0.05)
        folder = writer.new("model")
        folder.write_bytes("weights.safetensors", sys.argv[3].encode())
        folder.write_bytes("model.onnx", b"graph of " + sys.argv[3].encode())
        writer.commit(config={}, reads={}, report={})
        (path.parent / "inside").rmdir()
    print("wrote")
except LockedError as error:
    print("refused")
"""
    for wait in (300, 0):
        writers = [child(source, run, wait, f"model {number}") for number in range(6)]
        ends = [wait_for(writer) for writer in writers]
        assert all(code == 0 for code, _, _ in ends), ends
        wrote = sum(out == "wrote\n" for _, out, _ in ends)
        assert wrote == 6 if wait else 1 <= wrote <= 6
        model = open_run(run).artifact("model")
        assert model.bytes("model.onnx") == b"graph of " + model.bytes("weights.safetensors")
        assert [path.name for path in (run / "model").iterdir()] == [model.folder.name]


def test_first_writers_of_one_absent_run(tmp_path: Path) -> None:
    """One that fails takes its own folder away, and nothing of another's."""
    source = """
from lstm_cli.errors import LockedError
try:
    if sys.argv[2] == "fail":
        with rundir.writing(path, step="prepare", create=True, lock_wait=300) as writer:
            writer.new("data")
            raise ZeroDivisionError
    prepare(path, lock_wait=300)
except (LockedError, ZeroDivisionError):
    pass
"""
    path = tmp_path / "a" / "b" / "run"
    writers = [child(source, path, mode) for mode in ("fail", "go", "fail", "go")]
    ends = [wait_for(writer) for writer in writers]
    assert all(end == (0, "", "") for end in ends), ends
    open_run(path).artifact("data").verify()
    assert sorted(entry.name for entry in path.iterdir()) == ["data", "run.json"]


def test_nothing_is_left_by_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("absent", "empty"):
        with pytest.raises(MissingArtifact), writing(tmp_path / name, step="train"):
            pass
    assert tree(tmp_path) == {"empty": None}


def test_the_lock_is_held_before_the_run_is_read(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a writer could build on a manifest that another one replaces meanwhile."""
    genuine = transaction.acquire_lock

    def late(path: Path, *, wait: float = 0.0) -> transaction.Lock:
        monkeypatch.setattr(transaction, "acquire_lock", genuine)
        prepare(run)  # another writer, just before
        return genuine(path, wait=wait)

    monkeypatch.setattr(transaction, "acquire_lock", late)
    with writing(run, step="train") as writer:
        assert writer.run is not None
        assert writer.run.artifact("data").folder.name == "0002"
