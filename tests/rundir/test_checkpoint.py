"""Tests of the checkpoint: replacement, errors while writing, and corrupt files."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from canary import Canary
from small_run import tree

from lstm_cli.errors import CorruptArtifact, ForeignFolder, OutputError
from lstm_cli.rundir import Checkpoint, manifest
from lstm_cli.rundir.checkpoint import StoredCheckpoint

ABOUT = {"data": "0" * 64, "trainings": {"free": {"epoch": 3, "best": 0.1}}}
FILES = {"anchored": b"a" * 500, "free": b"f" * 400}


def names(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "checkpoint").iterdir())


@pytest.fixture
def written(tmp_path: Path) -> Checkpoint:
    checkpoint = Checkpoint(tmp_path)
    checkpoint.write(ABOUT, FILES)
    return checkpoint


def test_a_checkpoint_is_read_as_it_was_written(tmp_path: Path, written: Checkpoint) -> None:
    assert Checkpoint(tmp_path).read() == StoredCheckpoint(about=ABOUT, files=FILES)
    assert names(tmp_path) == ["0001.safetensors", "0002.safetensors", "training.json"]


def test_a_run_without_a_checkpoint(tmp_path: Path) -> None:
    assert Checkpoint(tmp_path).read() is None
    assert not Checkpoint(tmp_path).exists()
    Checkpoint(tmp_path).remove()
    assert list(tmp_path.iterdir()) == []


def test_the_facts_are_read_without_the_networks(tmp_path: Path, written: Checkpoint) -> None:
    (tmp_path / "checkpoint" / "0001.safetensors").unlink()
    assert Checkpoint(tmp_path).read_about() == ABOUT
    (tmp_path / "checkpoint" / "training.json").write_bytes(b"{")
    assert Checkpoint(tmp_path).read_about() is None
    written.remove()
    assert Checkpoint(tmp_path).read_about() is None
    written.write(ABOUT, FILES)
    (tmp_path / "checkpoint").rename(tmp_path / "moved")
    (tmp_path / "checkpoint").symlink_to(tmp_path / "moved")
    assert Checkpoint(tmp_path).read_about() is None


def test_only_changed_networks_are_written_again(tmp_path: Path, written: Checkpoint) -> None:
    before = (tmp_path / "checkpoint" / "0001.safetensors").stat().st_ino
    written.write({"step": 2}, {"free": b"g"})
    assert names(tmp_path) == ["0001.safetensors", "0003.safetensors", "training.json"]
    assert (tmp_path / "checkpoint" / "0001.safetensors").stat().st_ino == before
    expected = StoredCheckpoint(about={"step": 2}, files={"anchored": FILES["anchored"], "free": b"g"})
    assert Checkpoint(tmp_path).read() == expected


def test_a_checkpoint_that_was_read_is_continued(tmp_path: Path, written: Checkpoint) -> None:
    other = Checkpoint(tmp_path)
    other.read()
    other.write(ABOUT, {"free": b"g"})
    assert Checkpoint(tmp_path).read() == StoredCheckpoint(about=ABOUT, files={**FILES, "free": b"g"})


def test_a_checkpoint_that_was_not_read_is_replaced_completely(tmp_path: Path, written: Checkpoint) -> None:
    Checkpoint(tmp_path).write({"new": 1}, {"free": b"g"})
    assert Checkpoint(tmp_path).read() == StoredCheckpoint(about={"new": 1}, files={"free": b"g"})
    assert names(tmp_path) == ["0003.safetensors", "training.json"]


def test_removal_keeps_files_of_the_user(tmp_path: Path, written: Checkpoint) -> None:
    (tmp_path / "checkpoint" / "notes.txt").write_text("user file")
    written.remove()
    assert tree(tmp_path) == {"checkpoint": None, "checkpoint/notes.txt": b"user file"}
    (tmp_path / "checkpoint" / "notes.txt").unlink()
    written.remove()
    assert tree(tmp_path) == {}


def test_the_next_write_removes_files_of_a_killed_writer(tmp_path: Path, written: Checkpoint) -> None:
    for name in ("0009.safetensors", "training.json.tmp"):
        (tmp_path / "checkpoint" / name).write_bytes(b"half")
    assert Checkpoint(tmp_path).read() == StoredCheckpoint(about=ABOUT, files=FILES)
    written.write(ABOUT, {"free": b"g"})
    assert names(tmp_path) == ["0001.safetensors", "0010.safetensors", "training.json"]


CALLS = ["open", "fsync", "mkdir", "replace", "listdir"]


@pytest.mark.parametrize("call", CALLS)
def test_a_failed_write_keeps_the_previous_checkpoint(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls fail one after the other, until the write succeeds."""
    for failing_call in range(1, 20):
        run = tmp_path / str(failing_call)
        run.mkdir()
        checkpoint = Checkpoint(run)
        checkpoint.write(ABOUT, FILES)
        with monkeypatch.context() as patched:
            count = fail_call(patched, call, failing_call)
            message = ""
            try:
                checkpoint.write({"step": 2}, {"free": b"g"})
            except OutputError as error:
                message = error.message
            if len(count) < failing_call:
                return
        assert not message or ("checkpoint" in message and "disk full" in message)
        stored = Checkpoint(run).read()
        after = StoredCheckpoint(about={"step": 2}, files={**FILES, "free": b"g"})
        assert stored in (StoredCheckpoint(about=ABOUT, files=FILES), after)
        assert len(names(run)) <= 4  # the old and the new files at most
        checkpoint.write({"step": 3}, {"free": b"h"})
        assert Checkpoint(run).read() == StoredCheckpoint(about={"step": 3}, files={**FILES, "free": b"h"})
        assert len(names(run)) == 3
    raise AssertionError(f"the write never succeeded with a failing {call}")


def test_a_failed_first_write_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2, 3):  # the files of two networks, and their folder
        with monkeypatch.context() as patched:
            fail_call(patched, "fsync", number + 1)  # the first call is for the run directory
            with pytest.raises(OutputError):
                Checkpoint(tmp_path).write(ABOUT, FILES)
        assert tree(tmp_path) == {}


def fail_call(patched: pytest.MonkeyPatch, call: str, failing_call: int) -> list[int]:
    """Make a call of `os.call` fail, and return a list that gets an entry per call."""
    real: Callable[..., Any] = getattr(os, call)
    count: list[int] = []

    def fails(*arguments: Any, **options: Any) -> Any:
        count.append(1)
        if len(count) == failing_call:
            raise OSError(28, "No space left on device")
        return real(*arguments, **options)

    patched.setattr(os, call, fails)
    return count


@pytest.mark.parametrize("file", ["training.json", "0001.safetensors", "0002.safetensors"])
def test_corruption_is_detected_and_runs_no_code(file: str, tmp_path: Path, written: Checkpoint) -> None:
    path = tmp_path / "checkpoint" / file
    original = path.read_bytes()
    flips = [
        original[:index] + bytes([original[index] ^ 1 << bit]) + original[index + 1 :]
        for index in range(0, len(original), 17)
        for bit in (0, 5)
    ]
    cuts = [original[:size] for size in (0, 1, len(original) // 2, len(original) - 1)]
    canary = tmp_path / "canary"
    for corrupt in (*flips, *cuts, original + b"x", pickle.dumps(Canary(canary))):
        path.write_bytes(corrupt)
        with pytest.raises(CorruptArtifact, match="checkpoint is corrupt"):
            Checkpoint(tmp_path).read()
    assert not canary.exists()
    path.unlink()
    if file != "training.json":
        with pytest.raises(CorruptArtifact, match="is missing"):
            Checkpoint(tmp_path).read()


@pytest.mark.parametrize("file", ["training.json", "0001.safetensors"])
@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_only_regular_files_are_read(kind: str, file: str, tmp_path: Path, written: Checkpoint) -> None:
    path = tmp_path / "checkpoint" / file
    path.replace(tmp_path / "elsewhere")
    if kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(CorruptArtifact):
        Checkpoint(tmp_path).read()


@pytest.mark.parametrize(
    "facts",
    [
        {"free": {"file": "../0001.safetensors", "size": 500, "sha256": "0" * 64}},
        {"free": {"file": "run.json", "size": 500, "sha256": "0" * 64}},
        {"free": {"file": "0001.safetensors", "size": True, "sha256": "0" * 64}},
        {"free": ["0001.safetensors"]},
        [],
        None,
    ],
)
def test_invalid_file_names_are_refused_even_with_a_valid_checksum(
    facts: Any, tmp_path: Path, written: Checkpoint
) -> None:
    document = {"format": "lstm checkpoint", "about": ABOUT, "files": facts}
    (tmp_path / "checkpoint" / "training.json").write_bytes(manifest.with_checksum(document, path="x"))
    with pytest.raises(CorruptArtifact):
        Checkpoint(tmp_path).read()


def test_other_json_is_refused(tmp_path: Path, written: Checkpoint) -> None:
    for text in (json.dumps({"about": {}, "files": {}}), "[]", "{" * 100_000):
        (tmp_path / "checkpoint" / "training.json").write_text(text)
        with pytest.raises(CorruptArtifact):
            Checkpoint(tmp_path).read()


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_link_or_file_as_the_folder_is_refused(kind: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    run = tmp_path / "run"
    run.mkdir()
    if kind == "link":
        (run / "checkpoint").symlink_to(outside)
    else:
        (run / "checkpoint").write_text("user file")
    checkpoint = Checkpoint(run)
    for act in (checkpoint.read, lambda: checkpoint.write(ABOUT, FILES)):
        with pytest.raises(ForeignFolder):
            act()
    checkpoint.remove()
    assert list(outside.iterdir()) == []
    assert os.path.lexists(run / "checkpoint")
