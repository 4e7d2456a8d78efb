import os
import signal
import stat
import threading
from pathlib import Path

import pytest
from small_run import child, tree, wait_for

from lstm_cli.errors import ForeignFolder, OutputError
from lstm_cli.rundir import (
    check_output,
    exports_folder,
    filesystem,
    logs_folder,
    open_replacement,
    replace_file,
)


def test_a_file_is_replaced_completely(tmp_path: Path) -> None:
    path = tmp_path / "forecast.csv"
    for content in (b"old", b"new, longer"):
        replace_file(path, [content[:2], content[2:]])
        assert tree(tmp_path) == {"forecast.csv": content}


def test_an_error_keeps_the_old_file_and_leaves_no_other(tmp_path: Path) -> None:
    path = tmp_path / "forecast.csv"
    path.write_bytes(b"old")

    def fail(file: Path) -> None:
        with open_replacement(file) as stream:
            stream.write(b"half")
            raise ZeroDivisionError

    for file in (path, tmp_path / "other.csv"):
        with pytest.raises(ZeroDivisionError):
            fail(file)
    assert tree(tmp_path) == {"forecast.csv": b"old"}


def test_a_killed_writer_keeps_the_old_file_and_the_next_writer_cleans_up(tmp_path: Path) -> None:
    path = tmp_path / "forecast.csv"
    path.write_bytes(b"old")
    source = (
        "os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\nrundir.replace_file(path, [b'new'])"
    )
    assert wait_for(child(source, path))[0] == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    assert len(tree(tmp_path)) == 2
    replace_file(path, [b"next"])
    assert tree(tmp_path) == {"forecast.csv": b"next"}


def test_the_temporary_file_of_another_writer_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leftover = tmp_path / ".forecast.csv.lstm-0.tmp"
    leftover.touch()
    original = filesystem.try_lock

    def replaced_meanwhile(descriptor: int) -> bool:
        monkeypatch.setattr(filesystem, "try_lock", original)
        leftover.unlink()
        leftover.write_bytes(b"of another writer")  # between opening and locking the old file
        is_locked = original(descriptor)
        other.append(os.open(leftover, os.O_RDWR))
        assert original(other[0])
        return is_locked

    other: list[int] = []
    monkeypatch.setattr(filesystem, "try_lock", replaced_meanwhile)
    replace_file(tmp_path / "forecast.csv", [b"new"])
    os.close(other[0])
    assert tree(tmp_path) == {leftover.name: b"of another writer", "forecast.csv": b"new"}


def test_the_file_is_synced_before_the_rename_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    original, replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        events.append(path.suffix or "folder")
        assert events != [".tmp"] or path.read_bytes() == b"new"
        original(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", lambda *paths: (events.append("rename"), replace(*paths)))
    replace_file(tmp_path / "forecast.csv", [b"new"])
    assert events == [".tmp", "rename", "folder"]


def test_many_writers_of_a_file_leave_one_complete_file(tmp_path: Path) -> None:
    path = tmp_path / "forecast.csv"
    source = """
for round in range(20):
    rundir.replace_file(path, [sys.argv[2].encode() * 1000] * 50)
"""
    ends = [wait_for(writer) for writer in [child(source, path, letter) for letter in "abcd"]]
    assert all(end == (0, "", "") for end in ends), ends
    assert path.read_bytes() in [letter * 50_000 for letter in (b"a", b"b", b"c", b"d")]
    assert len(tree(tmp_path)) == 1


def test_a_new_file_has_the_mode_of_the_umask_and_an_old_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "forecast.csv"
    for umask in (0o077, 0o002, 0o022):
        old = os.umask(umask)
        replace_file(path, [b"x"])
        os.umask(old)
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
        path.chmod(0o640)
        replace_file(path, [b"y"])
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.unlink()


def test_a_link_is_kept_and_its_target_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.csv").symlink_to("folder/real.csv")
    check_output(tmp_path / "link.csv")
    replace_file(tmp_path / "link.csv", [b"new"])
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "folder" / "real.csv").read_bytes() == b"new"


def test_a_full_device_is_reported(tmp_path: Path) -> None:
    check_output("/dev/full")
    with pytest.raises(OutputError, match="cannot write /dev/full: disk full") as caught:
        replace_file("/dev/full", [b"x"])
    assert caught.value.exit_code == 4
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)
    replace_file("/dev/null", [b"x"])


def test_a_fifo_is_written_directly(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "fifo").read_bytes()))
    reader.start()
    check_output(tmp_path / "fifo")
    replace_file(tmp_path / "fifo", [b"new"])
    reader.join()
    assert read == [b"new"]
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)


def test_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "forecast.csv"
    path.write_bytes(b"old")
    source = """
import resource
from lstm_cli.errors import OutputError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    rundir.replace_file(path, [bytes(900), bytes(900)])
except OutputError as error:
    print(error.message)
"""
    code, out, err = wait_for(child(source, path))
    assert code == 0, err
    assert out.startswith(f"cannot write {path}: disk full")
    assert tree(tmp_path) == {"forecast.csv": b"old"}


def test_redirected_standard_output_is_not_replaced(tmp_path: Path) -> None:
    with (tmp_path / "redirected").open("wb") as file:
        process = child("rundir.replace_file('/dev/stdout', [b'rows'])", tmp_path)
        assert wait_for(process) == (0, "rows", "")
        pid = os.fork()
        if pid == 0:
            os.dup2(file.fileno(), 1)
            replace_file("/dev/stdout", [b"rows"])
            os._exit(0)
        os.waitpid(pid, 0)
        assert os.fstat(file.fileno()).st_size == 4  # the file that the shell has opened, not a new one


def test_a_link_as_the_exports_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for name, make in (("link", lambda path: path.symlink_to(tmp_path / "elsewhere")), ("file", Path.touch)):
        run = tmp_path / name
        run.mkdir()
        make(run / "exports")
        with pytest.raises(ForeignFolder, match="exports is not a folder of the run"):
            exports_folder(run)
    assert tree(tmp_path / "elsewhere") == {}


def test_the_logs_folder_is_kept_and_must_not_be_a_link(run: Path, tmp_path: Path) -> None:
    folder = logs_folder(run)
    (folder / "user file").write_bytes(b"kept")
    assert logs_folder(run) == folder == run / "logs"
    assert tree(folder) == {"user file": b"kept"}
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ForeignFolder):
        logs_folder(run)
