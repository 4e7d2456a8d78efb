import errno
import os
import resource
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from small_run import VALUES, child, prepare, quantize, train, tree, wait_for

from lstm_cli.errors import ArtifactError, CorruptArtifact, ForeignFolder, MissingArtifact, OutputError
from lstm_cli.rundir import Writer, open_run, replace_file, stale_sources, writing


def weights(run: Path) -> bytes:
    model = open_run(run).artifact("model")
    model.verify()
    return model.bytes("weights.safetensors")


def path_of(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()


# Commits


def test_the_order_of_a_commit(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Order: files, their folder, its parent, the temporary run.json, the rename, the run directory."""
    events: list[tuple[str, str]] = []
    before = tree(run)
    original = {name: getattr(os, name) for name in ("fsync", "replace", "unlink", "rmdir")}

    def named(target: int | Path) -> str:
        return os.path.relpath(path_of(target) if isinstance(target, int) else target, run)

    def fsync(descriptor: int) -> None:
        events.append(("fsync", named(descriptor)))
        original["fsync"](descriptor)

    def replace(source: Path, target: Path) -> None:
        assert {name: data for name, data in tree(run).items() if name in before} == before
        events.append(("rename", f"{named(source)} {named(target)}"))
        original["replace"](source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(Path, "unlink", lambda self, **_: events.append(("unlink", named(self))))

    def unlink(name: str | Path, *, dir_fd: int | None = None) -> None:
        events.append(("unlink", named(Path(name) if dir_fd is None else path_of(dir_fd) / name)))
        original["unlink"](name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", unlink)
    train(run, b"new")
    order = [event for event in events if event[0] != "unlink"]
    assert order == [
        ("fsync", "model/0002/weights.safetensors"),
        ("fsync", "model/0002/model.onnx"),
        ("fsync", "model/0002"),
        ("fsync", "model"),
        ("fsync", "run.json.tmp"),
        ("rename", "run.json.tmp run.json"),
        ("fsync", "."),
    ]
    removed = [events.index(event) for event in events if event[0] == "unlink" and "0001" in event[1]]
    assert removed
    assert min(removed) > events.index(order[-1])  # old files are removed after the new ones are durable


def test_a_first_commit_syncs_the_parent_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    original, replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        events.append(os.path.relpath(path_of(descriptor), tmp_path))
        original(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", lambda *paths: (events.append("rename"), replace(*paths)))
    prepare(tmp_path / "a" / "run")
    rename = events.index("rename")
    assert events[rename - 1] == "a/run"  # data/ is durable before the manifest lists it
    assert events[rename + 1 :] == ["a/run", "a", "."]


@pytest.mark.parametrize("death", ["os._exit(9)", "os.kill(os.getpid(), signal.SIGKILL)"])
@pytest.mark.parametrize("moment", ["os.replace", "os.fsync"])
def test_a_step_killed_before_the_rename_does_not_change_the_run(run: Path, death: str, moment: str) -> None:
    before = tree(run)
    code, _, err = wait_for(child(f"{moment} = lambda *_: {death}\ntrain(path, b'new')", run))
    assert code in (9, -signal.SIGKILL), err
    assert {name: data for name, data in tree(run).items() if name in before} == before
    assert weights(run) == b"weights"
    assert (run / "model" / "0002").is_dir()

    train(run, b"next")  # the next writer cleans up
    assert weights(run) == b"next"
    assert sorted(tree(run)) == [
        "data", "data/0001", "data/0001/scaler.json", "data/0001/values.npy",
        "model", "model/0003", "model/0003/model.onnx", "model/0003/weights.safetensors",
        "run.json",
    ]  # fmt: skip


def test_a_step_killed_after_the_rename_has_committed(run: Path) -> None:
    source = """
original = os.replace
def replace(*paths):
    original(*paths)
    os.kill(os.getpid(), signal.SIGKILL)
os.replace = replace
train(path, b"new")
"""
    assert wait_for(child(source, run))[0] == -signal.SIGKILL
    assert weights(run) == b"new"
    assert (run / "model" / "0001").is_dir()
    quantize(run)  # the writer of any step cleans up
    assert sorted(os.listdir(run / "model")) == ["0002"]  # noqa: PTH208


def test_a_signal_after_the_rename_keeps_the_new_model(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = os.replace

    def replace_and_interrupt(source: Path, target: Path) -> None:
        original(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", replace_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(run, b"new")
    assert weights(run) == b"new"


@pytest.mark.parametrize("count", [1, 3, 8])
def test_the_folder_of_a_killed_first_prepare_can_be_used_again(tmp_path: Path, count: int) -> None:
    source = """
calls = 0
original = os.fsync
def fsync(descriptor):
    global calls
    calls += 1
    if calls == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    original(descriptor)
os.fsync = fsync
prepare(path)
"""
    path = tmp_path / "run"
    assert wait_for(child(source, path, count))[0] == -signal.SIGKILL
    assert (path / ".lock").exists()
    if not (path / "run.json").exists():
        with pytest.raises(MissingArtifact, match="has no finished step"):
            open_run(path)
        with pytest.raises(MissingArtifact):
            train(path)
    prepare(path)
    open_run(path).artifact("data").verify()
    assert sorted(os.listdir(path)) == ["data", "run.json"]  # noqa: PTH208
    assert len(os.listdir(path / "data")) == 1  # noqa: PTH208


def test_an_old_temporary_manifest_is_removed_even_if_it_is_a_link(run: Path, tmp_path: Path) -> None:
    (tmp_path / "user file").write_text("user file")
    (run / "run.json.tmp").symlink_to(tmp_path / "user file")
    train(run, b"new")
    assert (tmp_path / "user file").read_text() == "user file"
    assert not (run / "run.json.tmp").is_symlink()


# Foreign files


def test_a_foreign_folder_is_not_changed(tmp_path: Path) -> None:
    cases: list[Callable[[Path], object]] = [
        lambda path: (path / "notes.txt").write_text("user file"),
        lambda path: (path / "run.json").write_text('{"name": "another tool"}'),
        lambda path: (path / "data").mkdir() or (path / "data" / "other.csv").write_text("a"),
        lambda path: (path / "data/0001").mkdir(parents=True) or (path / "data/0001/other").touch(),
        lambda path: (path / "model").symlink_to("/etc"),
        lambda path: (path / ".lock").mkdir(),
        lambda path: (path / "checkout" / "0001").mkdir(parents=True),
    ]
    for number, make in enumerate(cases):
        path = tmp_path / str(number)
        path.mkdir()
        make(path)
        before, modified = tree(path), path.stat().st_mtime_ns
        for force in (False, True):
            with pytest.raises(ForeignFolder):
                prepare(path, force=force)
        with pytest.raises(ForeignFolder):
            train(path)
        assert tree(path) == before
        assert path.stat().st_mtime_ns == modified  # not even a lock file was made


def test_a_file_instead_of_a_run_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("user file")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for path in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "dangling"):
        with pytest.raises(ForeignFolder, match="is not a folder"):
            prepare(path)
    assert (tmp_path / "file").read_text() == "user file"


def test_files_of_the_user_are_kept(run: Path) -> None:
    user_files = [
        "notes.txt",
        "model/notes.txt",
        "model/0001/notes.txt",
        "model/0007x/a",
        "exports/0001/a",
        "other/0001/a",
    ]
    user_files += ["logs/0001/model.onnx", "quantized/best/model.onnx", "run.json.bak", "data/0009"]
    for name in user_files:
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text("user file")
    (run / "scores").mkdir()
    (run / "scores" / "0001").symlink_to(run / "other")  # a link is not a folder of the run
    for number in range(2):
        prepare(run, VALUES + number)
        train(run, b"%d" % number)
        quantize(run)
    assert all((run / name).read_text() == "user file" for name in user_files)
    assert (run / "scores" / "0001").is_symlink()
    assert not (run / "model" / "0001" / "weights.safetensors").exists()
    assert open_run(run).artifact("data").folder.name == "0011"  # higher than the file 0009


def test_a_link_as_an_artifact_folder_is_refused(run: Path, tmp_path: Path) -> None:
    (run / "quantized").symlink_to(tmp_path)
    before = tree(tmp_path)
    with pytest.raises(ForeignFolder, match="quantized is not a folder of the run"):
        quantize(run)
    assert tree(tmp_path) == before


# Errors before the commit


def test_an_error_before_the_commit_does_not_change_the_run(run: Path) -> None:
    before = tree(run)

    def fail() -> None:
        with writing(run, step="train") as writer:
            folder = writer.new("model")
            folder.write_bytes("weights.safetensors", b"new")
            (folder.scratch() / "half").mkdir()
            folder.path("model.onnx").write_bytes(b"half")
            folder.open("history.jsonl").write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert tree(run) == before


def test_a_fork_of_the_writer_removes_no_files(run: Path) -> None:
    with writing(run, step="train") as writer:
        folder = writer.new("model")
        folder.write_bytes("weights.safetensors", b"new")
        pid = os.fork()
        if pid == 0:
            writer.abandon()
            os._exit(0)
        os.waitpid(pid, 0)
        writer.commit(config={}, reads={}, report={})
    assert weights(run) == b"new"


def test_an_error_in_a_first_prepare_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    def fail(path: Path) -> None:
        with writing(path, step="prepare", create=True) as writer:
            assert writer.run is None
            writer.new("data").write_bytes("values.npy", b"")
            raise ZeroDivisionError

    for path in (tmp_path / "a" / "b" / "run", tmp_path / "empty"):
        with pytest.raises(ZeroDivisionError):
            fail(path)
    assert tree(tmp_path) == {"empty": None}


def test_an_end_without_a_commit_only_cleans_up(run: Path) -> None:
    before = tree(run)
    (run / "model" / "0005").mkdir()
    (run / "model" / "0005" / "model.onnx").touch()
    (run / "run.json.tmp").touch()
    with writing(run, step="quantize") as writer:
        writer.new("quantized").write_bytes("model.onnx", b"too lossy")
    assert tree(run) == before


def commit(run: Path, spoil: Callable[..., object], **facts: dict[str, object]) -> None:
    with writing(run, step="train") as writer:
        folder = writer.new("model")
        folder.write_bytes("weights.safetensors", b"new")
        spoil(folder, writer)
        writer.commit(config={}, reads=facts.get("reads", {}), report=facts.get("report", {}))


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda folder, _: folder.open("model.onnx"), "was not closed"),
        (lambda folder, _: (folder.folder / "stray").touch(), "stray"),
        (lambda folder, _: folder.write_bytes("nonsense.bin", b""), "is not a file of"),
        (lambda folder, _: folder.write_bytes("../x", b""), "is not a file of"),
        (lambda folder, _: folder.write_json("model.json", {"a": float("nan")}), "range"),
        (lambda folder, _: folder.write_array("model.json", np.array([object()])), "Python objects"),
        (lambda _, writer: writer.new("data"), "'lstm train' does not write the artifact 'data'"),
        (lambda _, writer: writer.new("model"), "opened it twice"),
        (lambda folder, _: folder.write_pieces("model.json", [VALUES], shape=(13, 2), dtype="f4"), "bytes"),
    ],
)
def test_an_invalid_commit_is_refused(run: Path, spoil: Callable[..., object], problem: str) -> None:
    before = tree(run)
    with pytest.raises(ValueError, match=problem):
        commit(run, spoil)
    assert tree(run) == before


def test_a_report_with_nan_is_not_committed(run: Path) -> None:
    before = tree(run)
    with pytest.raises(ValueError, match="range"):
        commit(run, lambda *_: None, report={"mase": float("nan")})
    with pytest.raises(ValueError, match="is not the digest in the run"):
        commit(run, lambda *_: None, reads={"data": "0" * 64})
    assert tree(run) == before


def test_large_arrays_are_written_in_pieces(tmp_path: Path) -> None:
    pieces = (np.full((1000, 3), number, np.float64) for number in range(5))
    with writing(tmp_path, step="prepare", create=True) as writer:
        folder = writer.new("data")
        folder.write_pieces("values.npy", pieces, shape=(5000, 3), dtype=np.float32)
        folder.path("scaler.json").write_text("{}")
        (folder.scratch() / "temporary").touch()
        writer.commit(config={}, reads={}, report={})
    values = open_run(tmp_path).artifact("data").array("values.npy")
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values[:, 0], np.repeat(np.arange(5), 1000))
    assert open_run(tmp_path).artifact("data").json("scaler.json") == {}
    assert not (tmp_path / "data" / "0001" / "scratch").exists()


# Corrupt manifests


def test_only_force_sets_a_corrupt_manifest_aside(run: Path) -> None:
    (run / "notes.txt").write_text("user file")
    (run / "run.json").write_bytes(b"{half")
    before = tree(run)
    for call in (train, prepare, lambda path: train(path, force=True)):
        with pytest.raises(CorruptArtifact, match=r"run\.json is corrupt"):
            call(run)
        assert tree(run) == before

    def fail() -> None:
        with writing(run, step="prepare", create=True, force=True) as writer:
            assert writer.run is None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert tree(run) == before

    with writing(run, step="prepare", create=True, force=True):
        pass  # the folders of the corrupt manifest are unknown, so no files are removed
    assert tree(run) == before

    prepare(run, force=True)
    assert (run / "run.json.broken").read_bytes() == b"{half"
    assert (run / "notes.txt").read_text() == "user file"
    assert not open_run(run).has("model")
    open_run(run).artifact("data").verify()


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/etc/passwd")])
def test_force_sets_aside_a_manifest_that_is_not_a_file(run: Path, make: Callable[[Path], object]) -> None:
    (run / "run.json").unlink()
    make(run / "run.json")
    with pytest.raises(CorruptArtifact):
        prepare(run)
    prepare(run, force=True)
    open_run(run).artifact("data").verify()


# Errors of the operating system


@contextmanager
def failing(
    monkeypatch: pytest.MonkeyPatch, name: str, number: int, failing_call: int
) -> Iterator[list[str]]:
    """Make one call of os.`name` fail with the errno `number`. Yield a list of the calls."""
    calls: list[str] = []
    original = getattr(os, name)

    def fail(*arguments: object, **options: object) -> object:
        calls.append(name)
        if len(calls) == failing_call:
            raise OSError(number, os.strerror(number), arguments[0])
        return original(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, name, fail)
        yield calls


def refusal(run: Path) -> OutputError | None:
    try:
        train(run, b"new")
    except OutputError as error:
        return error
    return None


@pytest.mark.parametrize("name", ["fsync", "replace", "mkdir"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES])
def test_each_refused_call_is_reported_and_changes_nothing(
    run: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    reasons = {errno.ENOSPC: "disk full", errno.EIO: "input/output error", errno.EROFS: "read-only"}
    before = tree(run)
    for failing_call in range(1, 20):
        with failing(monkeypatch, name, number, failing_call) as calls:
            error = refusal(run)
        if error is None:
            break
        assert reasons.get(number, "permission denied") in error.message
        assert str(run) in error.message
        if name == "fsync" and weights(run) == b"new":  # the last call, for the directory after the rename
            assert {key: data for key, data in before.items() if key != "run.json"}.items() <= tree(
                run
            ).items()
            assert not (run / ".lock").exists()
        else:
            assert tree(run) == before
    assert len(calls) == failing_call - 1 > 0
    assert weights(run) == b"new"


def test_an_interrupted_call_is_repeated(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("replace", "mkdir"):
        with failing(monkeypatch, name, errno.EINTR, 1):
            train(run, name.encode())
        assert weights(run) == name.encode()


def test_a_full_disk_keeps_the_old_model(run: Path) -> None:
    before = tree(run)
    source = """
import resource
from lstm_cli.errors import OutputError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    if sys.argv[2] == "array":
        import numpy as np
        prepare(path, np.zeros(100_000))
    else:
        train(path, bytes(200_000))
except OutputError as error:
    print(error.message, error.exit_code)
"""
    for kind, file in (("array", "data/0002/values.npy"), ("bytes", "model/0002/weights.safetensors")):
        code, out, err = wait_for(child(source, run, kind))
        assert code == 0, err
        assert out.startswith(f"cannot write {run / file}: disk full")
        assert out.endswith(" 4\n")
        assert tree(run) == before
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    train(run, b"disk is free")


def test_an_os_error_of_a_library_is_converted_for_files_of_the_run(run: Path) -> None:
    def fail(path: Path) -> None:
        with writing(run, step="train") as writer:
            writer.new("model")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with pytest.raises(OutputError, match=r"model\.onnx: disk full"):
        fail(run / "model" / "0002" / "model.onnx")
    with pytest.raises(OSError, match="No space"):  # not a file of the run
        fail(Path("/elsewhere"))


def test_a_read_only_run_can_be_read_and_is_refused_before_writing(public: Path) -> None:
    run = public / "run"
    prepare(run)
    train(run)
    source = """
from lstm_cli.errors import OutputError
rundir.check_output, rundir.open_run, rundir.writing  # loaded while the package is readable
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
print(rundir.open_run(path).artifact("model").bytes("weights.safetensors"))
try:
    with rundir.writing(path, step="train") as writer:
        print("working")
except OutputError as error:
    print(error.message)
"""
    for locked in (run, run / "model"):
        (run / ".lock").touch()
        (run / ".lock").chmod(0o666)
        run.chmod(0o777)
        locked.chmod(0o555)
        code, out, err = wait_for(child(source, run, cwd="/"))
        locked.chmod(0o755)
        assert code == 0, err
        assert out.splitlines() == ["b'weights'", f"cannot write in {locked}: permission denied"]


@pytest.mark.parametrize("umask", [0o077, 0o002, 0o022, 0o000])
def test_modes_of_files_and_folders_follow_the_umask(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "run"
    old = os.umask(umask)
    try:
        prepare(path)
        train(path)
    finally:
        os.umask(old)
    for inner in [path, *path.rglob("*")]:
        expected = (0o777 if inner.is_dir() else 0o666) & ~umask
        assert stat.S_IMODE(inner.stat().st_mode) == expected, inner
    train(path)  # under another umask: the manifest keeps its mode
    assert stat.S_IMODE((path / "run.json").stat().st_mode) == 0o666 & ~umask


def test_all_artifact_errors_have_exit_code_4(run: Path) -> None:
    assert {error.exit_code for error in (ArtifactError, CorruptArtifact, ForeignFolder, OutputError)} == {4}


# Steps with several commits, and writers that continue as another step


def commit_trials(writer: Writer, *lines: int) -> None:
    folder = writer.new("tune")
    folder.write_json_lines("trials.jsonl", [{"number": line} for line in lines])
    writer.commit(config={}, reads={"data": writer.run.digest("data")}, report={"trials": len(lines)})


def test_a_writer_can_commit_several_times(run: Path) -> None:
    with writing(run, step="tune") as writer:
        for number in range(3):
            commit_trials(writer, *range(number + 1))
            with open_run(run) as opened:  # a reader needs no lock and sees the newest commit
                lines = opened.artifact("tune").json_lines("trials.jsonl")
            assert lines == [{"number": line} for line in range(number + 1)]
            assert len(list((run / "tune").iterdir())) == 1


def test_files_without_a_commit_are_removed(run: Path) -> None:
    committed = {}

    def fail_after_a_commit() -> None:
        with writing(run, step="tune") as writer:
            commit_trials(writer, 0)
            committed.update({name: data for name, data in tree(run).items() if name != ".lock"})
            writer.new("tune").write_bytes("importance.png", b"half")
            raise KeyError

    with pytest.raises(KeyError):
        fail_after_a_commit()
    assert tree(run) == committed


def test_a_writer_continues_as_another_step_under_the_same_lock(run: Path) -> None:
    with writing(run, step="tune") as writer:
        commit_trials(writer, 0)
        with pytest.raises(ValueError, match="'lstm tune' does not write the artifact 'model'"):
            writer.new("model")
        writer.switch_step("train")
        folder = writer.new("model")
        with pytest.raises(ValueError, match="'lstm train' has not committed model"):
            writer.switch_step("tune")
        folder.write_bytes("weights.safetensors", b"tuned")
        writer.commit(config={}, reads={"data": writer.run.digest("data")}, report={})
        writer.switch_step("tune")
        commit_trials(writer, 0, 1)
    assert weights(run) == b"tuned"
    with open_run(run) as opened:
        assert opened.report("tune") == {"trials": 2}
        assert stale_sources(opened, "model") == ()


def test_an_invalid_line_is_refused(run: Path) -> None:
    with writing(run, step="tune") as writer:
        folder = writer.new("tune")
        folder.write_bytes("trials.jsonl", b'{"number": 0}\n{"number": NaN}\n')
        writer.commit(config={}, reads={}, report={})
    with open_run(run) as opened, pytest.raises(CorruptArtifact, match=r"trials\.jsonl is corrupt"):
        opened.artifact("tune").json_lines("trials.jsonl")


def test_new_files_belong_to_the_group_of_a_shared_folder(tmp_path: Path) -> None:
    groups = [
        group for group in (*os.getgroups(), *([65534] if os.getuid() == 0 else [])) if group != os.getgid()
    ]
    if not groups:
        pytest.skip("this user is only in one group")
    shared = tmp_path / "shared"
    shared.mkdir()
    os.chown(shared, -1, groups[-1])
    shared.chmod(0o2770)
    old = os.umask(0o007)
    try:
        prepare(shared / "run")
        train(shared / "run")
        replace_file(shared / "forecast.csv", [b"x"])
    finally:
        os.umask(old)
    for inner in shared.rglob("*"):
        assert inner.stat().st_gid == groups[-1], inner
        assert stat.S_IMODE(inner.stat().st_mode) == (0o2770 if inner.is_dir() else 0o660), inner
