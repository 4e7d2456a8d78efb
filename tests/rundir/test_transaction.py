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
    """Yield another process that holds the lock until it reads a line."""
    process = child(HOLD, run, stdin=subprocess.PIPE)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_writer_is_refused_with_process_id_and_host(
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


def test_a_writer_waits_for_the_given_time(run: Path, holder: subprocess.Popen[str]) -> None:
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


def test_a_killed_holder_leaves_no_lock(run: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (run / ".lock").exists()
    train(run, b"next")
    assert open_run(run).artifact("model").bytes("weights.safetensors") == b"next"
    assert not (run / ".lock").exists()


@pytest.mark.parametrize("text", ["{pid} another-host\n", "1 here\n", "", "\0" * 500, "nonsense"])
def test_a_lock_file_without_a_holder_is_no_lock(run: Path, text: str) -> None:
    (run / ".lock").write_text(text.replace("{pid}", str(os.getpid())))
    train(run)
    assert not (run / ".lock").exists()


def test_a_lock_on_a_removed_file_is_not_the_lock(run: Path) -> None:
    """A lock on the removed file of the previous writer would not exclude the next writer."""
    first = transaction.acquire_lock(run)
    waiting = os.open(run / ".lock", os.O_RDWR)
    transaction.release_lock(first)
    assert transaction.try_lock(waiting)
    assert not transaction.is_same_file(run / ".lock", waiting)
    second = transaction.acquire_lock(run)  # free, because the waiter has locked a removed file
    assert not transaction.is_same_file(run / ".lock", waiting)
    transaction.release_lock(second)
    os.close(waiting)


def test_a_waiter_locks_the_new_file_if_the_old_one_is_removed(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = transaction.acquire_lock(run)
    original = transaction.try_lock

    def release_first(descriptor: int) -> bool:
        monkeypatch.setattr(transaction, "try_lock", original)
        transaction.release_lock(first)  # between opening and locking the file
        return original(descriptor)

    monkeypatch.setattr(transaction, "try_lock", release_first)
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


def test_only_one_of_many_writers_writes_at_a_time(run: Path) -> None:
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
        results = [wait_for(writer) for writer in writers]
        assert all(code == 0 for code, _, _ in results), results
        wrote = sum(out == "wrote\n" for _, out, _ in results)
        assert wrote == 6 if wait else 1 <= wrote <= 6
        model = open_run(run).artifact("model")
        assert model.bytes("model.onnx") == b"graph of " + model.bytes("weights.safetensors")
        assert [path.name for path in (run / "model").iterdir()] == [model.folder.name]


def test_several_first_writers_of_a_new_run(tmp_path: Path) -> None:
    """A writer that fails removes its own folder, but no files of another writer."""
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
    results = [wait_for(writer) for writer in writers]
    assert all(result == (0, "", "") for result in results), results
    open_run(path).artifact("data").verify()
    assert sorted(entry.name for entry in path.iterdir()) == ["data", "run.json"]


def test_a_refusal_leaves_no_files(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("absent", "empty"):
        with pytest.raises(MissingArtifact), writing(tmp_path / name, step="train"):
            pass
    assert tree(tmp_path) == {"empty": None}


def test_the_run_is_locked_before_it_is_read(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise another writer could replace the manifest that a writer has read."""
    original = transaction.acquire_lock

    def acquire_late(path: Path, *, wait: float = 0.0) -> transaction.Lock:
        monkeypatch.setattr(transaction, "acquire_lock", original)
        prepare(run)  # another writer, immediately before
        return original(path, wait=wait)

    monkeypatch.setattr(transaction, "acquire_lock", acquire_late)
    with writing(run, step="train") as writer:
        assert writer.run is not None
        assert writer.run.artifact("data").folder.name == "0002"
