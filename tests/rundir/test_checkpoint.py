"""The checkpoint: written over and over, whole at every moment, read only as it was written."""

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


def test_what_was_written_is_read_by_another_process(tmp_path: Path, written: Checkpoint) -> None:
    assert Checkpoint(tmp_path).read() == StoredCheckpoint(about=ABOUT, files=FILES)
    assert names(tmp_path) == ["0001.safetensors", "0002.safetensors", "training.json"]


def test_there_is_none(tmp_path: Path) -> None:
    assert Checkpoint(tmp_path).read() is None
    assert not Checkpoint(tmp_path).exists()
    Checkpoint(tmp_path).remove()
    assert list(tmp_path.iterdir()) == []


def test_only_what_came_further_is_written_anew(tmp_path: Path, written: Checkpoint) -> None:
    before = (tmp_path / "checkpoint" / "0001.safetensors").stat().st_ino
    written.write({"step": 2}, {"free": b"g"})
    assert names(tmp_path) == ["0001.safetensors", "0003.safetensors", "training.json"]
    assert (tmp_path / "checkpoint" / "0001.safetensors").stat().st_ino == before
    expected = StoredCheckpoint(about={"step": 2}, files={"anchored": FILES["anchored"], "free": b"g"})
    assert Checkpoint(tmp_path).read() == expected


def test_one_that_was_read_is_gone_on_with(tmp_path: Path, written: Checkpoint) -> None:
    other = Checkpoint(tmp_path)
    other.read()
    other.write(ABOUT, {"free": b"g"})
    assert Checkpoint(tmp_path).read() == StoredCheckpoint(about=ABOUT, files={**FILES, "free": b"g"})


def test_what_nobody_read_is_replaced_as_a_whole(tmp_path: Path, written: Checkpoint) -> None:
    Checkpoint(tmp_path).write({"new": 1}, {"free": b"g"})
    assert Checkpoint(tmp_path).read() == StoredCheckpoint(about={"new": 1}, files={"free": b"g"})
    assert names(tmp_path) == ["0003.safetensors", "training.json"]


def test_removing_it_leaves_what_a_person_put_there(tmp_path: Path, written: Checkpoint) -> None:
    (tmp_path / "checkpoint" / "notes.txt").write_text("mine")
    written.remove()
    assert tree(tmp_path) == {"checkpoint": None, "checkpoint/notes.txt": b"mine"}
    (tmp_path / "checkpoint" / "notes.txt").unlink()
    written.remove()
    assert tree(tmp_path) == {}


def test_leftovers_of_a_killed_writer_go_at_the_next_writing(tmp_path: Path, written: Checkpoint) -> None:
    for name in ("0009.safetensors", "training.json.tmp"):
        (tmp_path / "checkpoint" / name).write_bytes(b"half")
    assert Checkpoint(tmp_path).read() == StoredCheckpoint(about=ABOUT, files=FILES)
    written.write(ABOUT, {"free": b"g"})
    assert names(tmp_path) == ["0001.safetensors", "0010.safetensors", "training.json"]


CALLS = ["open", "fsync", "mkdir", "replace", "listdir"]


@pytest.mark.parametrize("call", CALLS)
def test_a_writing_that_fails_leaves_the_one_before(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first call, the second, and so on, until it comes through."""
    for at in range(1, 20):
        run = tmp_path / str(at)
        run.mkdir()
        checkpoint = Checkpoint(run)
        checkpoint.write(ABOUT, FILES)
        with monkeypatch.context() as patched:
            count = failing(patched, call, at)
            told = ""
            try:
                checkpoint.write({"step": 2}, {"free": b"g"})
            except OutputError as error:
                told = error.message
            if len(count) < at:
                return
        assert not told or ("checkpoint" in told and "disk full" in told)
        stored = Checkpoint(run).read()
        after = StoredCheckpoint(about={"step": 2}, files={**FILES, "free": b"g"})
        assert stored in (StoredCheckpoint(about=ABOUT, files=FILES), after)
        assert len(names(run)) <= 4  # nothing half-written stays, but the one that it would have replaced
        checkpoint.write({"step": 3}, {"free": b"h"})
        assert Checkpoint(run).read() == StoredCheckpoint(about={"step": 3}, files={**FILES, "free": b"h"})
        assert len(names(run)) == 3
    raise AssertionError(f"{call} never came through")


def test_a_first_writing_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in (1, 2, 3):  # the files of two networks, and their names
        with monkeypatch.context() as patched:
            failing(patched, "fsync", at + 1)  # the first is that of the run directory
            with pytest.raises(OutputError):
                Checkpoint(tmp_path).write(ABOUT, FILES)
        assert tree(tmp_path) == {}


def failing(patched: pytest.MonkeyPatch, call: str, at: int) -> list[int]:
    """Let the n-th call of `os.call` fail; gets an entry a call."""
    real: Callable[..., Any] = getattr(os, call)
    count: list[int] = []

    def fails(*arguments: Any, **options: Any) -> Any:
        count.append(1)
        if len(count) == at:
            raise OSError(28, "No space left on device")
        return real(*arguments, **options)

    patched.setattr(os, call, fails)
    return count


@pytest.mark.parametrize("file", ["training.json", "0001.safetensors", "0002.safetensors"])
def test_damage_is_seen_and_nothing_of_it_runs(file: str, tmp_path: Path, written: Checkpoint) -> None:
    path = tmp_path / "checkpoint" / file
    whole = path.read_bytes()
    flips = [
        whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :]
        for place in range(0, len(whole), 17)
        for bit in (0, 5)
    ]
    cuts = [whole[:size] for size in (0, 1, len(whole) // 2, len(whole) - 1)]
    canary = tmp_path / "canary"
    for spoiled in (*flips, *cuts, whole + b"x", pickle.dumps(Canary(canary))):
        path.write_bytes(spoiled)
        with pytest.raises(CorruptArtifact, match="checkpoint is corrupt"):
            Checkpoint(tmp_path).read()
    assert not canary.exists()
    path.unlink()
    if file != "training.json":
        with pytest.raises(CorruptArtifact, match="is missing"):
            Checkpoint(tmp_path).read()


@pytest.mark.parametrize("file", ["training.json", "0001.safetensors"])
@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_is_no_ordinary_file_is_not_read(
    kind: str, file: str, tmp_path: Path, written: Checkpoint
) -> None:
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
def test_names_that_lead_elsewhere_are_refused_though_the_checksum_is_right(
    facts: Any, tmp_path: Path, written: Checkpoint
) -> None:
    document = {"format": "lstm checkpoint", "about": ABOUT, "files": facts}
    (tmp_path / "checkpoint" / "training.json").write_bytes(manifest.with_checksum(document, path="x"))
    with pytest.raises(CorruptArtifact):
        Checkpoint(tmp_path).read()


def test_other_json_is_none_of_ours(tmp_path: Path, written: Checkpoint) -> None:
    for text in (json.dumps({"about": {}, "files": {}}), "[]", "{" * 100_000):
        (tmp_path / "checkpoint" / "training.json").write_text(text)
        with pytest.raises(CorruptArtifact):
            Checkpoint(tmp_path).read()


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_folder_that_leads_elsewhere_is_neither_read_nor_written(kind: str, tmp_path: Path) -> None:
    away = tmp_path / "away"
    away.mkdir()
    run = tmp_path / "run"
    run.mkdir()
    if kind == "link":
        (run / "checkpoint").symlink_to(away)
    else:
        (run / "checkpoint").write_text("mine")
    checkpoint = Checkpoint(run)
    for act in (checkpoint.read, lambda: checkpoint.write(ABOUT, FILES)):
        with pytest.raises(ForeignFolder):
            act()
    checkpoint.remove()
    assert list(away.iterdir()) == []
    assert os.path.lexists(run / "checkpoint")
