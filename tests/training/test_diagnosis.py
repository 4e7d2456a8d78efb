"""Tests of the diagnosis: trainings that fail in each way, and a good one without an issue."""

from typing import Any

import pytest
import torch
from small_data import dataset, plan, wave

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.events import ignore_events
from lstm_cli.models.stacked_lstm import StackedLSTM
from lstm_cli.training.diagnosis import TrainingIssue, diagnose_trainings, training_issues
from lstm_cli.training.loop.fit import FitResult, fit
from lstm_cli.training.recipes.result import PartResult
from lstm_cli.training.train_model import train_model
from lstm_cli.training.windows import validation
from lstm_cli.training.windows.device_windows import DeviceWindows


def training(
    *,
    hidden: tuple[int, ...] = (8,),
    noise: float = 0.1,
    train_rows: int = 400,
    val_rows: int = 300,
    lookback: int = 12,
    recurrent: float = 1.0,
    **settings: Any,
) -> tuple[FitResult, TrainConfig]:
    """Train on a wave of 12 steps; `recurrent` is a factor of the initial recurrent weights."""
    rows = train_rows + val_rows
    data = dataset(
        [wave(rows + 10, noise=noise)], train_end=[train_rows], val_end=[rows], lookback=lookback, horizon=4
    )
    train, val = (
        DeviceWindows.from_windows(split_windows(data, split), torch.device("cpu"))
        for split in ("train", "val")
    )
    torch.manual_seed(0)
    model = StackedLSTM(
        inputs=1, targets=1, known_ahead=0, lookback=lookback, horizon=4, hidden=hidden, dropout=0.0
    )
    with torch.no_grad():
        for layer in model.layers:
            layer.weight_hh_l0.mul_(recurrent)  # type: ignore[union-attr,operator]
    usual = {"epochs": 20, "steps_per_epoch": 20, "batch_size": 16, "schedule": "cosine", "clip_norm": 1.0}
    chosen = plan(**usual | settings)
    fitted = fit(
        model,
        train,
        validation.loss_validator(val, "mae"),
        chosen,
        part="stacked",
        listen=ignore_events,
        should_stop=lambda: None,
    )
    config = TrainConfig(
        model="stacked",
        hidden=hidden,
        dropout=0.0,
        lr=chosen.lr,
        clip_norm=chosen.clip_norm,
        max_norm=chosen.max_norm,
        weight_decay=chosen.weight_decay,
    )
    return fitted, config


def issues_of(fitted: FitResult, config: TrainConfig) -> list[TrainingIssue]:
    assert config.lr is not None
    part = PartResult(
        name="stacked",
        lr=config.lr,
        best_epoch=fitted.best_epoch,
        epochs_run=len(fitted.history) - 1,
        steps=0,
        stopped=fitted.stopped,
        epochs=len(fitted.history) - 1,
        patience=10,
        batch_size=64,
    )
    return training_issues(fitted.history, part, config)


GOOD: list[dict[str, Any]] = [
    {},
    {"lr": 3e-3},
    {"lr": 0.1},
    {"hidden": (32, 32, 32)},
    {"epochs": 60, "patience": 8},
    {"noise": 0.5, "train_rows": 900},
]


@pytest.mark.parametrize("settings", GOOD, ids=str)
def test_a_good_training_has_no_issue(settings: dict[str, Any]) -> None:
    fitted, config = training(**settings)
    assert fitted.best_loss is not None
    assert fitted.best_loss < 0.6 * fitted.history[0]["val_loss"]  # type: ignore[operator]
    assert issues_of(fitted, config) == []


MADE_TO_FAIL: list[tuple[str, str, dict[str, Any]]] = [
    ("over-fitting", "--dropout 0.2", {"train_rows": 60, "noise": 1.0, "hidden": (64,), "patience": 20}),
    ("over-fitting", "--dropout 0.2", {"train_rows": 60, "noise": 1.0, "hidden": (64,), "patience": 7}),
    ("under-fitting", "a larger --max-norm, such as 0.5", {"max_norm": 0.05, "hidden": (1,)}),
    ("under-fitting", "--weight-decay 1e-4", {"weight_decay": 30.0}),
    ("under-fitting", "--hidden 16, or more informative inputs", {"noise": 50.0, "epochs": 10}),
    ("under-fitting", "--epochs 9", {"epochs": 3}),
    ("learning rate too low", "--lr 0.0001", {"lr": 1e-5}),
    ("learning rate too low", "--lr 0.001", {"lr": 1e-4}),
    ("learning rate too high", "--lr 3", {"lr": 10.0}),
    ("learning rate too high", "--lr 0.1", {"lr": 0.3, "schedule": "constant", "hidden": (32,)}),
    (
        "learning rate too high",
        "--lr 1",
        {"optimizer": "sgd", "lr": 3.0, "clip_norm": 0.0, "schedule": "constant", "loss": "mse"},
    ),
    (
        "exploding gradients",
        "--clip-norm 1",
        {"recurrent": 20.0, "clip_norm": 0.0, "lookback": 40, "hidden": (16,), "epochs": 8},
    ),
    (
        "exploding gradients",
        "--lr 0.003",
        {"recurrent": 20.0, "clip_norm": 1.0, "lookback": 40, "hidden": (16,), "epochs": 8},
    ),
    (
        "vanishing gradients",
        "--init orthogonal --forget-bias, or fewer layers in --hidden",
        {"hidden": (4,) * 8, "epochs": 10},
    ),
    (
        "patience too short",
        "--patience 10",
        {"patience": 1, "lr": 0.03, "noise": 0.3, "val_rows": 20, "steps_per_epoch": 8, "epochs": 40},
    ),
]


@pytest.mark.parametrize(
    ("name", "advice", "settings"),
    MADE_TO_FAIL,
    ids=[f"{name}, {advice}" for name, advice, _ in MADE_TO_FAIL],
)
def test_each_problem_is_reported_with_the_flag_to_try(
    name: str, advice: str, settings: dict[str, Any]
) -> None:
    result = issues_of(*training(**settings))
    assert [(finding.name, finding.advice) for finding in result] == [(name, advice)]
    assert result[0].part == "stacked"


def test_more_patience_improves_an_impatient_training() -> None:
    settings = MADE_TO_FAIL[-1][2]
    short, long = training(**settings)[0], training(**settings | {"patience": 10})[0]
    assert short.stopped == "patience"
    assert short.best_loss is not None
    assert long.best_loss is not None
    assert long.best_loss < 0.9 * short.best_loss


def test_one_epoch_has_no_issue() -> None:
    for epochs in (0, 1):
        assert issues_of(*training(epochs=epochs, lr=1e-5)) == []


def test_each_training_of_a_model_is_announced_once() -> None:
    """Several networks of the default model with one problem give one issue per part."""
    data = dataset(
        [wave(400, season=6)], train_end=[280], val_end=[350], lookback=12, horizon=6, seasons=(6,)
    )
    config = TrainConfig(
        hidden=(4,), epochs=3, lr=1e-5, log_transform="off", device="cpu", refit=False, parts=("free",)
    )
    trained = train_model(data, config, threads=1, listen=ignore_events, should_stop=lambda: None)
    result = diagnose_trainings(trained, config)
    assert [(finding.part, finding.name) for finding in result] == [("free", "learning rate too low")]
