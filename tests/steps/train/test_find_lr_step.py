"""Tests of `train --find-lr`, which draws a picture and does not change the run's model."""

import dataclasses
from pathlib import Path

import pytest
from PIL import Image
from small_steps import TRAIN

from lstm_cli.config import TrainConfig
from lstm_cli.errors import MissingArtifact, OutputError, UsageError
from lstm_cli.events import ignore_events
from lstm_cli.steps.train.find_lr import find_lr

STACKED = TrainConfig(model="stacked", hidden=(6,), threads=1)


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_picture_is_written_to_logs_and_nothing_else_changes(run: Path) -> None:
    before = files(run)
    report = find_lr(run, TRAIN, None, ignore_events)
    picture = run / "logs" / "find-lr.png"
    assert report.picture == str(picture)
    assert Image.open(picture).size[0] > 800  # two panels
    after = files(run)
    after.pop(picture)
    assert after == before
    assert [part["part"] for part in report.parts] == ["anchored", "free"]
    suggestions = [part["suggestion"] for part in report.parts if part["suggestion"] is not None]
    assert report.suggestion == min(suggestions, default=None)
    repeated = find_lr(run, TRAIN, None, ignore_events)
    assert repeated.to_json()["parts"] == report.to_json()["parts"]


def test_output_sets_the_path_of_the_picture(run: Path, tmp_path: Path) -> None:
    report = find_lr(run, STACKED, str(tmp_path / "rates.png"), ignore_events)
    assert (tmp_path / "rates.png").read_bytes().startswith(b"\x89PNG")
    assert not (run / "logs").exists()
    (part,) = report.to_json()["parts"]
    assert len(part["lr"]) == len(part["loss"]) == len(part["smoothed"])
    assert part["lowest_at"] in part["lr"]
    assert report.suggestion == part["suggestion"]
    assert report.suggestion is not None
    assert 1e-4 < report.suggestion < 1


@pytest.mark.parametrize(
    ("output", "refused"),
    [("run/model/x.png", UsageError), ("nowhere/x.png", OutputError), (".", UsageError)],
)
def test_an_invalid_output_path_is_an_error_before_training(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, refused: type[Exception]
) -> None:
    monkeypatch.setattr("lstm_cli.training.lr_range_test.run_range_tests", None)
    with pytest.raises(refused):
        find_lr(run, STACKED, str(tmp_path / output), ignore_events)


def test_find_lr_needs_data_and_a_network(run: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingArtifact):
        find_lr(tmp_path / "absent", STACKED, None, ignore_events)
    with pytest.raises(UsageError, match="no network"):
        find_lr(run, dataclasses.replace(TRAIN, parts=("linear",)), None, ignore_events)
