"""Tests of a full disk: exit code 4 with the path, an unchanged run, and success once space is free."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulted_steps import BY_NAME
from faulty import FULL, LINEAR, Command, artifact_digests, copy_golden, states, unnamed_files

MB = 1 << 20
SHARES = (0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95) if FULL else (0.5,)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a small file system, whose size `resize` changes."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a small file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a file system is not permitted here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def resize(disk: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)


def used(disk: Path) -> int:
    stats = os.statvfs(disk)
    return (stats.f_blocks - stats.f_bfree) * stats.f_frsize


@pytest.mark.parametrize("step", ["prepare", "train", "predict", "refresh"])
def test_a_full_disk(small_disk: Path, command: Command, panel: Path, tmp_path: Path, step: str) -> None:
    order, options = BY_NAME[step].order, BY_NAME[step].options

    def argv(run: Path) -> list[object]:
        if step == "train":
            return ["train", run, *LINEAR, "--force"]
        return [*BY_NAME[step].argv(panel, run), *(["--force"] if step == "prepare" else [])]

    def make_run() -> Path:
        (BY_NAME[step].before if order else copy_golden)(small_disk / "run")
        return small_disk / "run"

    run, forecast = make_run(), small_disk / "forecast.csv"
    assert command(*argv(run), cached=True, here=True, **options)["status"] == 0
    after, expected = artifact_digests(run), forecast.read_bytes() if forecast.exists() else None
    made = size_of(run, step)
    shutil.rmtree(run)
    make_run()
    forecast.write_bytes(b"old")
    before, used_before = artifact_digests(run), used(small_disk)
    need = len(expected or b"") if step == "predict" else made
    allowed = states(before, after, order) if order else [before]
    refused = 0
    for share in SHARES:
        # tmpfs counts in pages, so the last page can have some free space
        resize(small_disk, max(used_before + int(share * need) // 4096 * 4096, 4096))
        done = command(*argv(run), cached=True, **options)
        if done["status"] == 0:
            assert artifact_digests(run) == after if step != "predict" else forecast.read_bytes() == expected
            continue
        refused += 1
        assert done["status"] == 4, done["err"]
        assert "disk full" in done["err"]
        assert str(small_disk) in done["err"]
        assert artifact_digests(run) in allowed
        assert unnamed_files(run) == []
        lines = len(
            forecast.read_bytes().splitlines()
        )  # in a night, the model that stays can make the forecast
        assert forecast.read_bytes() == b"old" or (order and lines == len((expected or b"").splitlines()))
        assert sorted(path.name for path in small_disk.iterdir()) == ["forecast.csv", "run"]
    assert refused > 0
    resize(small_disk, 64 * MB)
    assert command(*argv(run), cached=True, **options)["status"] == 0
    assert artifact_digests(run) == after
    assert unnamed_files(run) == []


def size_of(run: Path, step: str) -> int:
    """Return the size of the artifacts that a step makes."""
    names = BY_NAME[step].order or ("data" if step == "prepare" else "model",)
    return sum(path.stat().st_size for name in names for path in run.glob(f"{name}/*/*"))


@pytest.mark.parametrize("share", SHARES)
def test_a_limit_of_the_file_size(command: Command, panel: Path, tmp_path: Path, share: float) -> None:
    """`ulimit -f` works without root."""
    run = copy_golden(tmp_path / "run")
    before = artifact_digests(run)
    largest = max(path.stat().st_size for path in run.glob("data/*/*"))
    done = command(*BY_NAME["prepare"].argv(panel, run), limit=int(share * largest))
    assert done["status"] == 4, done["err"]
    assert "disk full" in done["err"]
    assert artifact_digests(run) == before
    assert unnamed_files(run) == []
