"""Tests of the training loop: the kept weights, the end, and reproducibility."""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
import torch
from small_data import dataset, plan, wave
from torch import Tensor, nn

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.errors import Interrupted, TrainingDiverged
from lstm_cli.events import EpochEnded, Event, WeightsRecorded, ignore_events
from lstm_cli.models.segment_lstm import SegmentLSTM
from lstm_cli.models.stacked_lstm import StackedLSTM
from lstm_cli.training.loop.batches import shuffled_batches
from lstm_cli.training.loop.early_stopping import EarlyStopping
from lstm_cli.training.loop.ema import ExponentialMovingAverage
from lstm_cli.training.loop.fit import FitResult, fit
from lstm_cli.training.loop.optimizer_step import make_optimizer
from lstm_cli.training.setup.hyperparameters import (
    learning_rate_share,
    make_hyperparameters,
    refit_hyperparameters,
)
from lstm_cli.training.windows import validation
from lstm_cli.training.windows.device_windows import DeviceWindows

CPU = torch.device("cpu")


def windows(split: str = "train") -> DeviceWindows:
    data = dataset([wave(90), wave(70, seed=4)], train_end=[50, 40], val_end=[70, 55], lookback=8, horizon=4)
    return DeviceWindows.from_windows(split_windows(data, split), CPU)


def stacked(seed: int = 0, dropout: float = 0.0) -> StackedLSTM:
    torch.manual_seed(seed)
    return StackedLSTM(
        inputs=1, targets=1, known_ahead=0, lookback=8, horizon=4, hidden=(4,), dropout=dropout
    )


def segment(seed: int = 0, dropout: float = 0.2) -> SegmentLSTM:
    torch.manual_seed(seed)
    return SegmentLSTM(
        inputs=1,
        targets=1,
        known_ahead=0,
        lookback=8,
        horizon=4,
        segment=4,
        seasons=(4,),
        hidden=4,
        dropout=dropout,
        anchored=False,
    )


def scripted(*losses: float) -> Callable[[nn.Module], float]:
    """Return a validation with the given losses, one per call."""
    script = iter(losses)
    return lambda model: next(script)


def run(
    model: nn.Module | None = None,
    validate: Callable[[nn.Module], float] | None = None,
    *,
    listen: Callable[[Event], None] = ignore_events,
    should_stop: Callable[[], int | None] = lambda: None,
    **settings: Any,
) -> FitResult:
    return fit(
        model or stacked(),
        windows(),
        validate or validation.loss_validator(windows("val"), "mae"),
        plan(**settings),
        part="stacked",
        listen=listen,
        should_stop=should_stop,
    )


def same(item: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return item.keys() == other.keys() and all(torch.equal(item[name], other[name]) for name in item)


# Reproducibility


@pytest.mark.parametrize("averaged", [False, True])
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(averaged: bool) -> None:
    item, repeated, other = (
        run(stacked(seed, dropout=0.3), seed=seed, averaged=averaged, epochs=2) for seed in (1, 1, 2)
    )
    assert same(item.weights, repeated.weights)
    assert [epoch["val_loss"] for epoch in item.history] == [epoch["val_loss"] for epoch in repeated.history]
    assert not same(item.weights, other.weights)


def test_the_seed_decides_order_and_dropout_despite_earlier_random_numbers() -> None:
    model, repeated = segment(3), segment(3)
    item = run(model, epochs=1, seed=7)
    torch.rand(100)
    assert same(run(repeated, epochs=1, seed=7).weights, item.weights)
    assert not same(run(segment(3), epochs=1, seed=8).weights, item.weights)


@pytest.mark.parametrize("make", [stacked, segment])
def test_it_learns(make: Callable[[], nn.Module]) -> None:
    fitted = run(make(), epochs=8, steps_per_epoch=15, averaged=False)
    losses = [epoch["val_loss"] for epoch in fitted.history]
    assert fitted.best_epoch > 0
    assert min(losses) < 0.6 * losses[0]  # type: ignore[type-var, operator]


# Early stopping


def test_the_best_weights_are_kept_and_training_continues() -> None:
    model = stacked()
    states: list[dict[str, Tensor]] = []

    def validate(judged: nn.Module) -> float:
        states.append({name: value.clone() for name, value in judged.state_dict().items()})
        return (9.0, 5.0, 3.0, 4.0, 6.0)[len(states) - 1]

    fitted = run(model, validate, epochs=4)
    assert fitted.best_epoch == 2
    assert same(fitted.weights, states[2])
    assert not same(fitted.weights, states[4])
    assert same(dict(model.state_dict()), states[4])
    assert [epoch["best"] for epoch in fitted.history] == [True, True, True, False, False]
    assert (fitted.stopped, fitted.steps) == ("epochs", 20)


def test_the_start_is_kept_if_no_epoch_is_better() -> None:
    model = stacked()
    start = {name: value.clone() for name, value in model.state_dict().items()}
    fitted = run(model, scripted(1, 2, 2), epochs=2)
    assert fitted.best_epoch == 0
    assert same(fitted.weights, start)


def test_patience_counts_epochs_without_a_better_loss() -> None:
    fitted = run(validate=scripted(5, 4, 4, 3, 3.5, 3, 3), epochs=50, patience=3)
    assert [epoch["epoch"] for epoch in fitted.history] == list(range(7))
    assert (fitted.best_epoch, fitted.stopped, fitted.steps) == (3, "patience", 30)


def test_patience_that_ends_with_the_last_epoch_is_the_epochs_end() -> None:
    assert run(validate=scripted(5, 6, 6), epochs=2, patience=2).stopped == "epochs"


def test_min_delta_defines_an_improvement() -> None:
    stopping = EarlyStopping(plan(min_delta=0.5, patience=2))
    better = [stopping.update(epoch, loss) for epoch, loss in enumerate([5.0, 4.6, 4.5, 4.49, 4.0])]
    assert better == [True, False, False, True, False]
    assert (stopping.best, stopping.best_epoch, stopping.waited) == (4.49, 3, 1)
    assert not stopping.should_stop
    stopping.update(5, 4.2)
    assert stopping.should_stop


def test_the_network_is_validated_in_evaluation_mode_and_trained_in_training_mode() -> None:
    model = stacked(dropout=0.5)
    modes: list[bool] = []
    model.register_forward_pre_hook(lambda module, args: modes.append(module.training))

    def validate(judged: nn.Module) -> float:
        assert not judged.training
        assert not torch.is_grad_enabled()
        return 1.0

    run(model, validate, epochs=2)
    assert modes == [True] * 10


def test_without_validation_all_epochs_run_and_the_last_weights_are_kept() -> None:
    model = stacked()
    settings = plan(epochs=5, stop_after=3, schedule="cosine", patience=1)
    fitted = fit(model, windows(), None, settings, part="p", listen=ignore_events, should_stop=lambda: None)
    assert (fitted.best_epoch, fitted.steps, fitted.best_loss) == (3, 15, None)
    assert same(fitted.weights, dict(model.state_dict()))
    assert [(epoch["epoch"], epoch["val_loss"]) for epoch in fitted.history] == [
        (1, None),
        (2, None),
        (3, None),
    ]
    assert not any(epoch["best"] for epoch in fitted.history)
    # With fewer epochs run, the schedule keeps its full length, as with validation.
    whole = stacked()
    judged = fit(
        whole,
        windows(),
        scripted(9, 8, 7, 1, 2, 3),
        settings,
        part="p",
        listen=ignore_events,
        should_stop=lambda: None,
    )
    assert same(judged.weights, fitted.weights)


def test_zero_epochs_return_the_start() -> None:
    model = segment()
    start = {name: value.clone() for name, value in model.state_dict().items()}
    settings = plan(stop_after=0, averaged=True)
    fitted = fit(model, windows(), None, settings, part="p", listen=ignore_events, should_stop=lambda: None)
    assert (fitted.best_epoch, fitted.steps) == (0, 0)
    assert same(fitted.weights, start)


# Clipping


class Fixed(nn.Module):
    """Two weights whose gradients are (3, 4) times `size` at every step."""

    def __init__(self, size: float = 1.0) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(2))
        self.size = size

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> Tensor:
        pull = self.size * (3 * self.weights[0] + 4 * self.weights[1])
        return 1e6 + pull.expand(len(past), 4, 1)  # far above every target: the slope of MAE is 1

    def loss_scale(self, past: Tensor, mask: Tensor) -> Tensor:
        return torch.ones_like(past[:, :1])


@pytest.mark.parametrize(
    ("clip", "step"),
    [
        ({}, [3, 4]),
        ({"clip_norm": 1.0}, [0.6, 0.8]),
        ({"clip_norm": 10.0}, [3, 4]),
        ({"clip_value": 3.5}, [3, 3.5]),
        ({"clip_value": 3.0, "clip_norm": 1.0}, [math.sqrt(0.5), math.sqrt(0.5)]),
    ],
)
def test_clipping_clips(clip: dict[str, float], step: list[float]) -> None:
    model = Fixed()
    fitted = run(model, scripted(9, 1), optimizer="sgd", lr=0.1, epochs=1, steps_per_epoch=1, **clip)
    torch.testing.assert_close(fitted.weights["weights"], -0.1 * torch.tensor(step, dtype=torch.float32))


@pytest.mark.parametrize(
    "clip", [{}, {"clip_norm": 1.0}, {"clip_value": 1.0}, {"clip_value": 1.0, "clip_norm": 1.0}]
)
def test_the_norm_before_clipping_is_reported(clip: dict[str, float]) -> None:
    fitted = run(Fixed(2.0), scripted(9, 1), epochs=1, **clip)
    assert fitted.history[0]["grad_norm"] is None
    assert fitted.history[1]["grad_norm"] == pytest.approx(10)


def test_the_norm_of_the_first_lstm_layer_is_reported_too() -> None:
    """Nearly the whole gradient is in the only layer; the first of many layers has almost none."""
    shallow = run(stacked(), epochs=1).history[1]
    deep = run(
        StackedLSTM(inputs=1, targets=1, known_ahead=0, lookback=8, horizon=4, hidden=(3,) * 8, dropout=0.0),
        epochs=1,
    ).history[1]
    for epoch, least, most in ((shallow, 0.05, 1.0), (deep, 0.0, 1e-3)):
        assert least < epoch["first_grad_norm"] / epoch["grad_norm"] < most  # type: ignore[operator]


# Max-norm


def test_max_norm_shrinks_only_large_weights() -> None:
    free, held = (run(stacked(), epochs=2, lr=0.05, max_norm=most).weights for most in (None, 0.5))
    for name, weight in held.items():
        if weight.dim() == 2:
            assert weight.norm(dim=1).max() <= 0.5 + 1e-5, name
            assert free[name].norm(dim=1).max() > 0.5, name
    loose = run(stacked(), epochs=2, lr=0.05, max_norm=1e3).weights
    assert same(loose, free)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("adamw", torch.optim.AdamW),
        ("adam", torch.optim.Adam),
        ("sgd", torch.optim.SGD),
        ("rmsprop", torch.optim.RMSprop),
    ],
)
def test_the_optimizer_is_the_one_named(name: str, kind: type) -> None:
    optimizer = make_optimizer(stacked(), plan(optimizer=name, lr=0.25, weight_decay=0.125))
    assert type(optimizer) is kind
    assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["weight_decay"]) == (0.25, 0.125)
    run(optimizer=name, epochs=1)


# Early ends


@pytest.mark.parametrize("at", [1, 4, 12])
def test_a_signal_ends_training_within_one_step(at: int) -> None:
    model = stacked()
    steps: list[int] = []
    model.register_forward_pre_hook(lambda module, args: steps.append(1))
    requested = iter(range(1, 1000))
    with pytest.raises(Interrupted) as caught:
        run(model, scripted(9, 8, 7, 6), should_stop=lambda: 15 if next(requested) == at else None)
    assert caught.value.exit_code == 128 + 15
    assert len(steps) == at - 1


class Breaks(Fixed):
    """Network whose forecast is NaN after some steps."""

    def __init__(self, at: int, cell: float = float("nan")) -> None:
        super().__init__()
        self.at, self.cell, self.seen = at, cell, 0

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> Tensor:
        self.seen += 1
        forecast = super().forward(past, future, mask)
        return forecast * self.cell if self.seen >= self.at else forecast


@pytest.mark.parametrize("cell", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("at", "epoch"), [(1, 1), (7, 1), (10, 1), (11, 1), (12, 1), (13, 2), (24, 2), (30, 3)]
)
def test_a_loss_that_is_not_finite_names_epoch_and_step(at: int, epoch: int, cell: float) -> None:
    with pytest.raises(
        TrainingDiverged, match=rf"in stacked: .* not finite at epoch {epoch}, step {at}$"
    ) as caught:
        run(Breaks(at, cell), scripted(*range(9, 0, -1)), steps_per_epoch=12)
    assert caught.value.hint
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_an_infinite_validation_loss_is_an_error(loss: float) -> None:
    with pytest.raises(TrainingDiverged, match="the validation loss is not finite at epoch 2, step 10"):
        run(validate=scripted(3, 2, loss))


# Averages, schedules, losses


def test_the_average_of_the_weights_by_hand() -> None:
    model = Fixed()
    average = ExponentialMovingAverage(model)
    with torch.no_grad():
        model.weights.fill_(10)
        average.set_step(0)
        average.update(model)  # decay 1/10
        assert average.model.weights.tolist() == pytest.approx([9, 9])
        model.weights.fill_(0)
        average.set_step(1)
        average.update(model)  # decay 2/11
        assert average.model.weights.tolist() == pytest.approx([18 / 11] * 2)
        model.weights.fill_(1)
        average.set_step(10_000)
        average.update(model)  # decay .99
        assert average.model.weights.tolist() == pytest.approx([0.99 * 18 / 11 + 0.01] * 2)
    assert model.weights.tolist() == [1, 1]
    assert not average.model.weights.requires_grad


def test_the_average_is_validated_and_kept() -> None:
    model = Fixed()
    judged: list[list[float]] = []

    def validate(network: nn.Module) -> float:
        judged.append(network.state_dict()["weights"].tolist())
        return 9.0 - len(judged)

    settings = {"optimizer": "rmsprop", "epochs": 2, "steps_per_epoch": 3, "averaged": True}
    fitted = run(model, validate, **settings)
    own = torch.zeros(2)
    plain = Fixed()
    optimizer = make_optimizer(plain, plan(**settings))
    for step in range(6):
        optimizer.zero_grad()
        (3 * plain.weights[0] + 4 * plain.weights[1]).backward()
        optimizer.step()
        decay = (1 + step) / (10 + step)
        own = decay * own + (1 - decay) * plain.weights.detach()
    torch.testing.assert_close(fitted.weights["weights"], own)
    assert judged[-1] == fitted.weights["weights"].tolist()
    torch.testing.assert_close(model.weights, plain.weights)


def test_the_cosine_schedule_by_hand() -> None:
    schedule = plan(schedule="cosine", warmup=4, epochs=3, steps_per_epoch=8)
    shares = [learning_rate_share(schedule, step) for step in range(24)]
    assert shares[:5] == [0.25, 0.5, 0.75, 1, 1]
    assert shares[14] == pytest.approx(0.01 + 0.99 / 2)  # halfway from step 4 to 24
    assert shares[9] == pytest.approx(0.01 + 0.99 * (1 + math.sqrt(0.5)) / 2)  # a quarter of it
    assert shares[23] == pytest.approx(0.01, abs=0.01)
    assert learning_rate_share(schedule, 24) == pytest.approx(0.01)
    assert all(after <= before for before, after in pairwise(shares[3:]))


@pytest.mark.parametrize("schedule", ["constant", "plateau"])
def test_other_schedules_warm_up_and_stay(schedule: str) -> None:
    hparams = plan(schedule=schedule, warmup=2)
    assert [learning_rate_share(hparams, step) for step in (0, 1, 2, 500)] == [0.5, 1, 1, 1]


def _rates(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a list that collects the learning rate of every later optimizer step."""
    seen: list[float] = []
    step = torch.optim.SGD.step

    def step_and_log(self: torch.optim.SGD, *args: Any) -> Any:
        seen.append(self.param_groups[0]["lr"])
        return step(self, *args)

    monkeypatch.setattr(torch.optim.SGD, "step", step_and_log)
    return seen


def test_the_plateau_schedule_halves_after_a_third_of_the_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = _rates(monkeypatch)
    settings = {"schedule": "plateau", "patience": 6, "epochs": 8, "steps_per_epoch": 2, "lr": 0.8}
    fitted = run(validate=scripted(9, 8, 8, 8, 7, 7, 7, 7, 7), optimizer="sgd", **settings)
    # Two epochs without an improvement after epoch 1, then after epoch 4.
    assert rates[::2] == rates[1::2] == [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2]
    assert [epoch["lr"] for epoch in fitted.history[1:]] == rates[1::2]


def test_the_schedule_and_the_warm_up_reach_the_optimizer(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = _rates(monkeypatch)
    settings = {"schedule": "cosine", "warmup": 3, "epochs": 2, "steps_per_epoch": 4, "lr": 0.6}
    run(optimizer="sgd", **settings)
    assert rates == pytest.approx([0.6 * learning_rate_share(plan(**settings), step) for step in range(8)])
    assert rates[:3] == pytest.approx([0.2, 0.4, 0.6])


class Slopes:
    """Examples without windows: inputs x and targets 2x. The last half of the targets is missing."""

    device = CPU
    has_fixed_shape = True

    def __init__(self, inputs: Tensor, known: int) -> None:
        self.inputs, self.known = inputs, known

    def __len__(self) -> int:
        return len(self.inputs)

    def order(self, size: int, generator: torch.Generator) -> Iterator[Tensor]:
        return shuffled_batches(len(self), size, generator)

    def gather(self, indices: Tensor) -> "Slopes":
        return Slopes(self.inputs[indices], self.known)

    def measured(self, indices: Tensor) -> Tensor:
        return (self.inputs[indices] < self.known).sum()

    def loss(self, model: nn.Module, kind: str, *, measured: Tensor | None = None) -> Tensor:
        known = (self.inputs < self.known).float()
        error = (model(self.inputs[:, None])[:, 0] - 2 * self.inputs).square() * known
        return error.sum() / (known.sum().clamp(min=1) if measured is None else measured)


def test_other_examples_than_windows_are_trained() -> None:
    examples = Slopes(torch.arange(8.0) / 4, known=1)
    model = nn.Linear(1, 1, bias=False)
    fitted = fit(
        model,
        examples,
        lambda network: float(examples.loss(network, "")),
        plan(epochs=40, lr=0.1, batch_size=3, weight_decay=0.0),
        part="slopes",
        listen=ignore_events,
        should_stop=lambda: None,
    )
    assert float(fitted.weights["weight"]) == pytest.approx(2, abs=1e-3)
    assert fitted.best_loss == pytest.approx(0, abs=1e-5)


# Events and hyperparameters


def test_events_and_history_agree() -> None:
    events: list[Event] = []
    fitted = run(listen=events.append, epochs=2)
    assert [vars(event) for event in events if isinstance(event, EpochEnded)] == fitted.history
    assert {event["part"] for event in fitted.history} == {"stacked"}
    assert [(event["epoch"], event["step"]) for event in fitted.history] == [(0, 0), (1, 5), (2, 10)]
    assert fitted.history[0]["train_loss"] is None


def _plans() -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    small, large = {"windows": 50, "targets": 1}, {"windows": 100_000, "targets": 7}
    yield {}, small, {"batch_size": 64, "steps_per_epoch": 100, "epochs": 20, "lr": 1e-3, "patience": 7}
    yield {}, large, {"batch_size": 18, "steps_per_epoch": 330, "epochs": 4, "lr": 3e-3, "patience": 2}
    yield {}, {"windows": 8000, "targets": 7}, {"batch_size": 9, "steps_per_epoch": 330, "lr": 3e-3}
    yield {}, {"windows": 9600, "targets": 1}, {"steps_per_epoch": 150, "warmup": 100, "averaged": True}
    yield {"model": "stacked"}, large, {"batch_size": 64, "epochs": 100, "lr": 1e-3, "warmup": 0}
    yield {"model": "stacked"}, small, {"patience": 10, "averaged": False}
    yield (
        {"epochs": 2, "lr": 0.5, "patience": 4, "batch_size": 5},
        small,
        {"epochs": 2, "lr": 0.5, "patience": 4},
    )
    yield {"epochs": 2}, small, {"warmup": 20}
    yield {"clip_norm": 0.0}, small, {"clip_norm": 0.0, "clip_value": None}
    yield {"clip_value": 0.5, "seed": 9}, small, {"clip_norm": 1.0, "clip_value": 0.5, "seed": 9}


@pytest.mark.parametrize(("config", "size", "expected"), list(_plans()))
def test_hyperparameters_follow_the_recipe_and_the_settings(
    config: dict[str, Any], size: dict[str, Any], expected: dict[str, Any]
) -> None:
    result = vars(make_hyperparameters(TrainConfig(**config), **size))
    assert {name: result[name] for name in expected} == expected


def test_a_warm_start_has_a_lower_rate_and_fewer_steps_unless_they_are_given() -> None:
    size = {"windows": 9600, "targets": 1}
    cold, warm = (make_hyperparameters(TrainConfig(), **size, warm=warm) for warm in (False, True))
    assert warm.lr == pytest.approx(0.1 * cold.lr)
    assert (warm.epochs, warm.patience, warm.steps_per_epoch) == (4, 2, cold.steps_per_epoch)
    assert make_hyperparameters(TrainConfig(model="stacked"), **size, warm=True).epochs == 4
    given = make_hyperparameters(TrainConfig(lr=0.5, epochs=9, patience=8), **size, warm=True)
    assert (given.lr, given.epochs, given.patience) == (0.5, 9, 8)


def test_a_refit_is_one_short_epoch_at_a_lower_rate() -> None:
    plan = make_hyperparameters(TrainConfig(), windows=9600, targets=1)
    repeated = refit_hyperparameters(plan, best_epoch=4)
    assert (repeated.epochs, repeated.stop_after, repeated.steps_per_epoch, repeated.warmup) == (
        1,
        1,
        150,
        15,
    )
    assert repeated.lr == pytest.approx(0.3 * plan.lr)
    late = refit_hyperparameters(plan, best_epoch=plan.epochs)
    assert late.steps_per_epoch == round(0.5 * plan.epochs * 150)
    assert late.lr == pytest.approx(0.5 * plan.lr)
    assert learning_rate_share(repeated, 14) == 1.0
    assert learning_rate_share(repeated, 149) < 0.02


def test_a_refit_keeps_a_start_that_was_best() -> None:
    plan = refit_hyperparameters(make_hyperparameters(TrainConfig(), windows=9600, targets=1), best_epoch=0)
    assert plan.stop_after == 0


def test_weights_are_sent_only_to_a_listener_that_wants_them() -> None:
    received: list[Event] = []

    class Watcher:
        wants = frozenset({WeightsRecorded})

        def __call__(self, event: Event) -> None:
            received.append(event)

    plain: list[Event] = []
    for listen in (Watcher(), plain.append):
        run(epochs=1, listen=listen)
    shown = [event for event in received if isinstance(event, WeightsRecorded)]
    assert [(item.epoch, item.step) for item in shown] == [(0, 0), (1, 5)]
    before, after = (item.weights for item in shown)
    assert set(before) == set(after)
    assert any((before[name] != after[name]).any() for name in before)
    assert not any(isinstance(event, WeightsRecorded) for event in plain)
