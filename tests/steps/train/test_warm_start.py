"""Tests of `train --from RUN2`: what is taken, what the manifest records, leakage, and resuming."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from small_steps import LINEAR, PREPARE, TRAIN, model_files, write_panel

from lstm_cli.config import TrainConfig
from lstm_cli.errors import ArtifactError, CorruptArtifact, Interrupted, MissingArtifact, UsageError
from lstm_cli.events import EpochEnded, Event, Note, WarningRaised, ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.dry_run import plan_train
from lstm_cli.steps.history import roll_back
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train
from lstm_cli.steps.train.find_lr import find_lr
from lstm_cli.training.recipes import segment_networks, stacked
from lstm_cli.training.setup.hyperparameters import Hyperparameters, make_hyperparameters

# The learning rate is so low that the trained weights are those of the start.
STILL = replace(TRAIN, parts=("anchored",), lr=1e-12, weight_decay=0.0, refit=False, log_transform="off")
STACKED = replace(STILL, model="stacked", parts=(), hidden=(8, 6))


def make_run(path: Path, panel: Path, **other: Any) -> Path:
    prepare(str(panel), path, replace(PREPARE, **other), ignore_events)
    return path


@pytest.fixture
def later(tmp_path: Path, panel: Path) -> Path:
    """Return a run of the same shops with data that begin after the rows of the trained run."""
    lines = write_panel(tmp_path / "later.csv", seed=3).read_text().splitlines()
    moved = [line.replace("2024-", "2025-", 1) for line in lines if "2024-02-29" not in line]
    (tmp_path / "later.csv").write_text("\n".join(moved) + "\n")
    return make_run(tmp_path / "later", tmp_path / "later.csv")


def tensors(run: Path, file: str = "weights.safetensors") -> dict[str, np.ndarray]:
    with open_run(run) as opened:
        return dict(safetensors.numpy.load(opened.artifact("model").bytes(file)))


def rules(events: list[Event]) -> list[str]:
    return [event.finding.rule for event in events if isinstance(event, WarningRaised)]


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return whether each network has had the hyperparameters of a warm start."""
    seen = []

    def spy(config: TrainConfig, **given: Any) -> Hyperparameters:
        seen.append(given["warm"])
        return make_hyperparameters(config, **given)

    for recipe in (segment_networks, stacked):
        monkeypatch.setattr(recipe, "make_hyperparameters", spy)
    return seen


def test_the_weights_of_another_run_are_the_start(trained: Path, later: Path, warm: list[bool]) -> None:
    events: list[Event] = []
    report = train(later, STILL, events.append, start=trained)
    assert warm == [True]
    start = report.warm_start
    assert start is not None
    assert (start["run"], start["own"], start["version"], start["weights"]) == (
        str(trained),
        False,
        1,
        "shipped",
    )
    assert start["digest"] == open_run(trained).digest("model")
    [part] = start["parts"]
    assert (part["part"], part["left"]) == ("anchored", {})
    given, new = tensors(trained), tensors(later)
    names = [name for name in given if name.startswith("anchored.0.") and not name.endswith(".unit")]
    assert len(names) > 8
    for name in names:
        np.testing.assert_allclose(new[name], given[name], atol=1e-6)
    assert not np.allclose(new["linear.last_weights"], given["linear.last_weights"])  # fitted on the new data
    entry = open_run(later).entry("train")
    assert entry["read"]["start"]["sha256"] == start["digest"]
    assert "M213" not in rules(events)
    assert any("warm start: anchored" in event.text for event in events if isinstance(event, Note))


def test_the_same_start_is_up_to_date_and_another_one_is_not(
    trained: Path, later: Path, tmp_path: Path
) -> None:
    start = Path(shutil.copytree(trained, tmp_path / "start"))
    train(later, STILL, ignore_events, start=start)
    assert train(later, STILL, ignore_events, start=trained).up_to_date  # the same model at another place
    assert plan_train(later, STILL, force=False, start=start).up_to_date
    reads = [read["path"] for read in plan_train(later, STILL, force=True, start=start).reads]
    assert reads == [str(later / "data/0001"), str(start / "model/0001")]
    assert not plan_train(later, STILL, force=False).up_to_date  # without --from
    train(start, replace(TRAIN, seed=1, parts=("anchored",)), ignore_events)
    assert not plan_train(later, STILL, force=False, start=start).up_to_date
    with pytest.raises(MissingArtifact):
        train(later, STILL, ignore_events, start=tmp_path / "absent")


def test_another_horizon_leaves_the_layers_that_depend_on_it(
    trained: Path, panel: Path, tmp_path: Path, warm: list[bool]
) -> None:
    other = make_run(tmp_path / "other", panel, horizon=14)
    report = train(other, replace(STILL, segment=7), ignore_events, start=trained)
    assert warm == [False]  # random layers need the usual steps
    assert report.warm_start is not None
    [part] = report.warm_start["parts"]
    assert set(part["left"]) == {"gate", "correct"}
    assert "layers.0" in part["taken"]


def test_the_stacked_model(run: Path, panel: Path, tmp_path: Path, warm: list[bool]) -> None:
    train(run, STACKED, ignore_events)
    other = make_run(tmp_path / "other", panel, horizon=14)
    report = train(other, STACKED, ignore_events, start=run)
    assert report.warm_start is not None
    [part] = report.warm_start["parts"]
    assert (part["part"], set(part["left"])) == ("stacked", {"head", "ahead"})
    assert warm == [False, False]
    given, new = tensors(run), tensors(other)
    for name in ("layers.0.weight_ih_l0", "layers.1.weight_hh_l0"):
        np.testing.assert_allclose(new[name], given[name], atol=1e-6)


def test_the_own_model_is_a_start_until_the_data_change(run: Path, tmp_path: Path) -> None:
    """Its refit has learnt the validation rows, so the weights before it are taken."""
    events: list[Event] = []
    config = replace(STILL, refit=None)
    before = tensors(run, "validated.safetensors")
    report = train(run, config, events.append, start=run)
    assert report.warm_start is not None
    assert (report.warm_start["own"], report.warm_start["weights"]) == (True, "before the refit")
    assert "M213" not in rules(events)
    name = "anchored.0.embed.weight"
    np.testing.assert_allclose(tensors(run, "validated.safetensors")[name], before[name], atol=1e-6)
    assert not np.array_equal(before[name], tensors(run)["anchored.0.embed.weight"]) or report.best_epoch == 0
    assert train(run, config, ignore_events, start=run).up_to_date
    prepare(str(write_panel(tmp_path / "newer.csv", rows=137)), run, PREPARE, ignore_events)
    assert train(run, config, ignore_events, start=run).up_to_date is None
    roll_back(run, 2)
    events.clear()
    assert train(run, config, events.append, start=run).up_to_date
    assert rules(events) == ["M212"]


def test_learnt_rows_that_judge_the_new_model_are_reported(
    trained: Path, panel: Path, tmp_path: Path
) -> None:
    """130 days from 2024-01-01. The start has learnt rows that validate the new run, which has smaller splits."""
    early = make_run(tmp_path / "early", panel, val="20%", test="30%")
    with open_run(early) as opened:
        series = opened.artifact("data").json("series.json")
    with open_run(trained) as opened:
        learnt = opened.artifact("model").json("series.json")["train_end"][0]
    events: list[Event] = []
    train(early, STILL, events.append, start=trained)
    [finding] = [
        event.finding for event in events if isinstance(event, WarningRaised) and event.finding.rule == "M213"
    ]
    last, first = (
        np.datetime_as_string(np.datetime64("2024-01-01") + int(row))
        for row in (learnt - 1, series["train_end"][0])
    )
    assert f"rows until {last}" in finding.text
    assert f"rows begin at {first}" in finding.text
    assert ("and test rows" in finding.text) == (learnt > series["val_end"][0])
    assert finding.flags == ("--from",)


def test_a_model_of_an_older_release_has_only_its_shipped_weights(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lstm_cli.steps.train.warm_start.WEIGHTS_BEFORE_REFIT", "absent")
    events: list[Event] = []
    report = train(run, STILL, events.append, start=run)
    assert report.warm_start is not None
    assert report.warm_start["weights"] == "shipped"
    assert "M213" in rules(events)


COLUMNS: dict[str, Any] = {"past": (), "future": ("promo", "price")}
REFUSED: list[tuple[TrainConfig, dict[str, Any], type[Exception], str, str]] = [
    (replace(STILL, hidden=(16,)), {}, UsageError, "its LSTM has --hidden 8", "add --hidden 8"),
    (STACKED, {}, UsageError, "its model is segment", "add --model segment"),
    (LINEAR, {}, UsageError, "--parts names only the linear forecast", "add a network"),
    (replace(STACKED, init="xavier"), {}, UsageError, "--init and --from", "leave out"),
    (STILL, COLUMNS, ArtifactError, "past covariates 'price' instead of none", "prepare one of the runs"),
    (
        STILL,
        {"calendar": False},
        ArtifactError,
        "calendar, holiday and static inputs",
        "prepare one of the runs",
    ),
]


@pytest.mark.parametrize(("config", "columns", "kind", "message", "hint"), REFUSED)
def test_a_start_that_does_not_fit_is_refused(
    trained: Path,
    panel: Path,
    tmp_path: Path,
    config: TrainConfig,
    columns: dict[str, Any],
    kind: type[Exception],
    message: str,
    hint: str,
) -> None:
    other = make_run(tmp_path / "other", panel, **columns)
    before = sorted(other.rglob("*"))
    calls: list[Callable[[], object]] = [
        lambda: train(other, config, ignore_events, start=trained),
        lambda: plan_train(other, config, force=False, start=trained),
    ]
    for call in calls:
        with pytest.raises(kind) as refused:
            call()
        assert message in str(refused.value)
        assert hint in refused.value.hint  # type: ignore[attr-defined]
    assert sorted(other.rglob("*")) == before


def test_a_model_without_a_network_and_a_corrupt_one_are_refused(run: Path, later: Path) -> None:
    weights = run / "model/0001/weights.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + b"x")
    with pytest.raises(CorruptArtifact, match="checksum mismatch"):
        train(later, STILL, ignore_events, start=run)
    assert not (later / "model").exists()
    weights.write_bytes(data)
    train(run, LINEAR, ignore_events)
    with pytest.raises(ArtifactError, match="has no network"):
        train(later, STILL, ignore_events, start=run)


def test_a_resumed_training_with_a_start_gives_the_same_bytes(
    trained: Path, later: Path, tmp_path: Path
) -> None:
    config = replace(TRAIN, parts=("anchored",), epochs=3, patience=3)
    whole = Path(shutil.copytree(later, tmp_path / "whole"))
    train(whole, config, ignore_events, start=trained)
    seen: list[Event] = []

    def should_stop() -> int | None:
        return 15 if sum(isinstance(event, EpochEnded) for event in seen) >= 2 else None

    with pytest.raises(Interrupted):
        train(later, config, seen.append, start=trained, should_stop=should_stop, checkpoint_every=1)
    for start, shown in ((None, "(now not given)"), (whole, f"(now {whole})")):
        with pytest.raises(ArtifactError, match="other settings: --from") as refused:
            train(later, config, ignore_events, start=start)
        assert f"--from {trained} {shown}" in refused.value.message
    events: list[Event] = []
    train(later, config, events.append, start=trained)
    assert any("resuming training" in event.text for event in events if isinstance(event, Note))
    assert model_files(later) == model_files(whole)


def test_find_lr_starts_at_the_weights_too(trained: Path, later: Path, tmp_path: Path) -> None:
    picture = str(tmp_path / "rates.png")
    losses = []
    for start in (None, trained):
        [part] = find_lr(later, STILL, picture, ignore_events, start=start).parts
        losses.append(part["loss"][0])
    assert losses[0] != losses[1]
