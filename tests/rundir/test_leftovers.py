"""Tests of the removal of numbered folders that `run.json` does not name."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from small_run import child, prepare, quantize, train, tree, wait_for

from lstm_cli.errors import ArtifactError, CorruptArtifact, ForeignFolder, LockedError, MissingArtifact
from lstm_cli.rundir import clean_run, list_unnamed, lock_holder, open_run

HOLD = """
with rundir.writing(path, step="quantize") as writer:
    writer.new("quantized").write_bytes("model.onnx", b"half")
    print("held", flush=True)
    sys.stdin.readline()
"""


def unnamed(run: Path) -> list[str]:
    with open_run(run) as opened:
        return [str(folder) for folder in list_unnamed(opened)]


def leave(run: Path, folder: str, **files: bytes) -> Path:
    """Make a folder in the run, with files whose names have an underscore for the point."""
    path = run / folder
    path.mkdir(parents=True)
    for name, data in files.items():
        (path / name.replace("_", ".", 1)).write_bytes(data)
    return path


def test_only_numbered_folders_of_artifacts_that_the_manifest_does_not_name_are_removed(run: Path) -> None:
    quantize(run)
    for kept in (
        "0007",
        "exports/0007",
        "logs/0001",
        "ledger/0001",
        "data/0001/0002",
        "mine/0001",
        "model/12",
        "model/00011",
    ):
        leave(run, kept, model_onnx=b"x")
    leave(run, "checkpoint", training_json=b"{}")
    (run / "data" / "0042").write_bytes(b"a file")
    (run / "run.json.tmp").write_bytes(b"{}")
    before = tree(run)
    leave(run, "model/0009", model_onnx=b"12345", weights_safetensors=b"1")
    leave(run, "model/0010/scratch", **{"0_bin": b"22"})
    leave(run, "model/10000")
    leave(run, "quantized/0123/scratch", source_onnx=b"333", **{"folded-inferred_onnx": b""})
    with open_run(run) as opened:
        found = list_unnamed(opened)
    facts = [(str(each), each.files, each.size, each.others) for each in found]
    assert facts == [
        ("model/0009", 2, 6, ()),
        ("model/0010", 1, 2, ()),
        ("model/10000", 0, 0, ()),
        ("quantized/0123", 2, 3, ()),
    ]
    assert clean_run(run) == (found, ())
    assert tree(run) == before
    assert unnamed(run) == []


def test_files_of_people_stay_with_their_folder(run: Path) -> None:
    folder = leave(run, "model/0009", notes_txt=b"mine", model_onnx=b"x")
    leave(run, "model/0009/weights.safetensors", inner_txt=b"a folder with the name of a file")
    folders, kept = clean_run(run)
    assert folders[0].others == ("notes.txt", "weights.safetensors")
    assert kept == ("model/0009",)
    assert sorted(path.name for path in folder.iterdir()) == ["notes.txt", "weights.safetensors"]


def test_files_of_people_in_the_folder_for_temporary_files_stay(run: Path) -> None:
    folder = leave(run, "model/0009/scratch", my_txt=b"mine", source_onnx=b"temporary", **{"0_bin": b"1"})
    leave(run, "model/0009/scratch/deep", **{"1_bin": b"mine"})
    folders, kept = clean_run(run)
    assert (folders[0].files, folders[0].size, kept) == (2, 10, ("model/0009",))
    assert folders[0].others == ("scratch/deep", "scratch/my.txt")
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) == [
        "deep",
        "deep/1.bin",
        "my.txt",
    ]


def test_links_are_not_followed(run: Path, tmp_path: Path) -> None:
    outside = leave(tmp_path, "outside", model_onnx=b"precious")
    (run / "model" / "0008").symlink_to(outside)  # a numbered folder
    (run / "quantized").symlink_to(tmp_path)  # the folder of an artifact
    leave(tmp_path, "0001", model_onnx=b"precious")
    folder = leave(run, "model/0009")
    (folder / "model.onnx").symlink_to(outside / "model.onnx")
    (folder / "scratch").symlink_to(outside)
    os.link(outside / "model.onnx", folder / "weights.safetensors")
    assert unnamed(run) == ["model/0009"]
    clean_run(run)
    assert (
        (outside / "model.onnx").read_bytes()
        == (tmp_path / "0001" / "model.onnx").read_bytes()
        == b"precious"
    )
    assert (run / "model" / "0008").is_symlink()
    assert os.listdir(folder) == ["scratch"]  # noqa: PTH208


def test_a_run_behind_a_link_is_cleaned(run: Path, tmp_path: Path) -> None:
    leave(run, "model/0009", model_onnx=b"x")
    (tmp_path / "link").symlink_to(run)
    clean_run(tmp_path / "link")
    assert not (run / "model" / "0009").exists()


@pytest.mark.parametrize("kind", ["corrupt", "newer", "foreign", "missing"])
def test_a_folder_without_a_readable_manifest_is_not_touched(run: Path, kind: str) -> None:
    leave(run, "model/0009", model_onnx=b"x")
    manifest = run / "run.json"
    if kind == "missing":
        manifest.unlink()
    elif kind == "foreign":
        manifest.write_text('{"runs": 3}')
    else:
        manifest.write_bytes(manifest.read_bytes()[: -40 if kind == "corrupt" else None])
        if kind == "newer":
            rewrite_schema(manifest)
    before = tree(run)
    error = {"corrupt": CorruptArtifact, "foreign": ForeignFolder, "missing": MissingArtifact}
    with pytest.raises(error.get(kind, ArtifactError)):
        clean_run(run)
    assert tree(run) == before


def rewrite_schema(path: Path) -> None:
    """Write the manifest in the schema of a newer release, with a valid checksum."""
    import json

    from lstm_cli.rundir.manifest import with_checksum

    document = json.loads(path.read_bytes())
    del document["checksum"]
    path.write_bytes(with_checksum(document | {"schema": 99}, path=path))


def test_a_folder_of_a_running_writer_is_not_touched(run: Path) -> None:
    process = child(HOLD, run, stdin=subprocess.PIPE)
    assert process.stdout.readline() == "held\n"
    try:
        before = tree(run)
        assert unnamed(run) == ["quantized/0001"]
        assert lock_holder(run) == f"process {process.pid} on host '{os.uname().nodename}'"
        with pytest.raises(LockedError, match=f"process {process.pid} "):
            clean_run(run)
        assert tree(run) == before
    finally:
        process.kill()
        process.communicate()
    assert lock_holder(run) is None  # its file stays, but the process is gone
    clean_run(run)
    assert unnamed(run) == []
    assert not (run / ".lock").exists()


def test_a_commit_while_waiting_for_the_lock_is_seen(run: Path) -> None:
    """A folder that was committed meanwhile stays, because the manifest is read again under the lock."""
    process = child(
        HOLD + '    writer.commit(config={}, reads={"data": writer.run.digest("data")}, report={})\n',
        run,
        stdin=subprocess.PIPE,
    )
    assert process.stdout.readline() == "held\n"
    assert unnamed(run) == ["quantized/0001"]
    cleaner = child("print(rundir.clean_run(path, lock_wait=300))", run)
    process.communicate("done\n")
    assert wait_for(cleaner) == (0, "((), ())\n", "")
    assert open_run(run).artifact("quantized").bytes("model.onnx") == b"half"


KILL = """
import shutil  # before its functions are replaced
count, limit = 0, int(sys.argv[2])
def killing(call):
    def called(*names, **options):
        global count
        if count == limit:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        return call(*names, **options)
    return called
os.unlink, os.rmdir = killing(os.unlink), killing(os.rmdir)
rundir.clean_run(path)
"""


def test_a_removal_that_is_killed_leaves_the_run_sound(run: Path, tmp_path: Path) -> None:
    """A process is killed before each removal of a file or folder, until one is not."""
    leave(run, "model/0009", model_onnx=b"x", weights_safetensors=b"y")
    leave(run, "model/0009/scratch", **{"0_bin": b"z"})
    sound = {name: data for name, data in tree(run).items() if "0009" not in name}
    for limit in range(20):
        copy = Path(shutil.copytree(run, tmp_path / f"copy-{limit}"))
        status, _, err = wait_for(child(KILL, copy, limit))
        open_run(copy).artifact("model").verify()
        left = tree(copy)
        assert {name: data for name, data in left.items() if "0009" not in name and name != ".lock"} == sound
        if status == 0:
            break
        assert (status, err) == (-signal.SIGKILL, "")
        assert clean_run(copy)[1] == ()
        # A lock file may stay, but no process holds it.
        assert {name: data for name, data in tree(copy).items() if name != ".lock"} == sound
        assert lock_holder(copy) is None
    assert status == 0
    assert limit >= 5  # two files, one in the scratch folder, and two folders
    assert left == sound


def test_the_next_step_still_removes_folders(run: Path) -> None:
    leave(run, "model/0009", model_onnx=b"x")
    train(run, b"next")
    assert sorted(path.name for path in (run / "model").iterdir()) == ["0010"]


def test_a_lock_file_that_is_no_owner_names_another_process(run: Path) -> None:
    assert lock_holder(run) is None
    for text, holder in (
        ("", "another process"),
        (f"4000000000 {os.uname().nodename}\n", None),
        ("12 elsewhere\n", "process 12 on host 'elsewhere'"),
    ):
        (run / ".lock").write_text(text)
        assert lock_holder(run) == holder


def test_a_run_without_leftovers_is_not_locked(tmp_path: Path) -> None:
    run = tmp_path / "run"
    prepare(run)
    before, modified = tree(run), run.stat().st_mtime_ns
    assert clean_run(run) == ((), ())
    assert (tree(run), run.stat().st_mtime_ns) == (before, modified)
