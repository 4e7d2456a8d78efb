"""Tests of a whole training without files: inputs of each part, the refit, and values that must have no effect."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from small_data import dataset, wave

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.dataset import Dataset, merge_validation_into_train
from lstm_cli.data.dataset.windows import Batch, split_windows
from lstm_cli.errors import DataError, Interrupted, TrainingDiverged
from lstm_cli.events import EpochEnded, Event, TrainingStarted, ignore_events
from lstm_cli.linear.ensemble import refit_linear
from lstm_cli.models.mixture import Mixture
from lstm_cli.models.segment_lstm import SegmentLSTM
from lstm_cli.models.stacked_lstm import StackedLSTM
from lstm_cli.training.loop.fit import fit
from lstm_cli.training.recipes import mixture_weights
from lstm_cli.training.recipes.automatic_choices import choose_refit, choose_transforms
from lstm_cli.training.recipes.mixture_weights import part_weights, seasonal_naive_part
from lstm_cli.training.recipes.result import ModelVersion, TrainingResult
from lstm_cli.training.recipes.segment_networks import (
    TrainingContext,
    network_shape,
    new_part_network,
    part_windows,
)
from lstm_cli.training.setup.hyperparameters import make_hyperparameters, refit_hyperparameters
from lstm_cli.training.train_model import findings_about_processes, train_model
from lstm_cli.training.windows.device_windows import DeviceWindows

# The learning rate is given, so that no network is trained a second time at a slower one.
TINY = TrainConfig(hidden=(4,), epochs=1, batch_size=4, lr=1e-3, log_transform="off", device="cpu")
LATER = 190  # the first test row of `data`


def data(change: int | None = None, **options: Any) -> Dataset:
    """Return two series with a season of 6, a past and a known-ahead covariate.

    All values differ from row `change` on.
    """
    random = np.random.default_rng(5)
    series = []
    for level in (1.0, 30.0):
        columns = level * wave(220, 3, seed=int(level), season=6, noise=0.2)
        columns[:, 2] = random.random(220) < 0.3
        columns[:, 0] += 2 * level * columns[:, 2]
        if change is not None:
            columns[change:] = 1 + 50 * np.random.default_rng(1).random(columns[change:].shape)
        series.append(columns)
    settings = {"lookback": 12, "horizon": 6, "seasons": (6,), "past": 1, "future": 1} | options
    return dataset(series, train_end=[150, 150], val_end=[LATER, LATER], **settings)


def made(given: Dataset, *, threads: int = 1, listen: Any = ignore_events, **changes: Any) -> TrainingResult:
    return train_model(
        given, replace(TINY, **changes), threads=threads, listen=listen, should_stop=lambda: None
    )


def state(version: ModelVersion) -> dict[str, torch.Tensor]:
    return dict(version.network.state_dict())


def same(item: ModelVersion, other: ModelVersion) -> bool:
    first, second = state(item), state(other)
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def forecast(trained: TrainingResult, batch: Batch) -> np.ndarray:
    sides = (torch.from_numpy(np.array(side)) for side in (batch.past, batch.future, batch.mask))
    with torch.no_grad():
        return np.asarray(trained.shipped.network(*sides).numpy())


def windows(trained: TrainingResult, split: str = "test") -> Batch:
    return split_windows(trained.dataset, split, trained.settings["lookback"])[:]


@pytest.fixture(scope="module")
def whole() -> TrainingResult:
    return made(data())


def test_parallel_and_sequential_training_give_equal_bits(whole: TrainingResult) -> None:
    abreast = made(data(), threads=2)
    assert same(abreast.shipped, whole.shipped)
    assert same(abreast.validated, whole.validated)
    assert abreast.weights == whole.weights
    plain = [{**entry, "seconds": 0} for entry in whole.history]
    assert [{**entry, "seconds": 0} for entry in abreast.history] == plain


def test_another_seed_gives_other_networks_and_the_same_linear_part(whole: TrainingResult) -> None:
    other = made(data(), seed=1)
    ours, theirs = state(whole.validated), state(other.validated)
    differing = {key.split(".")[0] for key in ours if not torch.equal(ours[key], theirs[key])}
    assert {"anchored", "free"} <= differing <= {"anchored", "free", "weights"}


def test_test_rows_change_nothing(whole: TrainingResult) -> None:
    changed = made(data(change=LATER))
    assert same(changed.shipped, whole.shipped)
    assert same(changed.validated, whole.validated)
    assert (changed.weights, changed.choices) == (whole.weights, whole.choices)


def test_validation_rows_train_the_shipped_version_and_only_weight_the_other(whole: TrainingResult) -> None:
    """Validation rows choose and weight before the refit, and the refit is fitted on them too."""
    changed = made(data(change=170))
    assert not same(changed.shipped, whole.shipped)
    ours, theirs = state(whole.validated), state(changed.validated)
    assert not torch.equal(ours["weights"], theirs["weights"])
    assert not torch.equal(state(whole.shipped)["weights"], state(changed.shipped)["weights"])


def test_the_refit_keeps_the_weights_of_the_parts_and_fits_all_known_rows(whole: TrainingResult) -> None:
    assert whole.refitted
    shipped, validated = state(whole.shipped), state(whole.validated)
    assert torch.equal(shipped["weights"], validated["weights"])
    changed = {key.split(".")[0] for key in shipped if not torch.equal(shipped[key], validated[key])}
    assert changed >= {"linear", "anchored", "free"}
    repeated = refit_linear(merge_validation_into_train(whole.dataset), whole.validated.linear)
    np.testing.assert_array_equal(repeated.last_weights, whole.shipped.linear.last_weights)
    np.testing.assert_array_equal(shipped["linear.last_weights"].numpy(), repeated.last_weights)


def test_a_refitted_network_continues_from_the_validated_one(
    whole: TrainingResult,
) -> None:
    config = replace(TINY, parts=("free",), epochs=2)
    trained = made(data(), parts=("free",), epochs=2)
    start = choose_transforms(data(), config)
    known = replace(start, dataset=merge_validation_into_train(start.dataset))
    context = TrainingContext(
        data=known,
        config=config,
        device=torch.device("cpu"),
        workers=1,
        listen=ignore_events,
        should_stop=lambda: None,
        shapes={part: network_shape(known.dataset, part, config) for part in ("anchored", "free")},
    )
    # Hyperparameters follow the training rows, because schedule and steps were chosen with them.
    first = replace(context, data=start)
    plan = make_hyperparameters(config, windows=len(part_windows(first, "train", "anchored")), targets=1)
    assert trained.parts[0].best_epoch > 0
    network = new_part_network(context, "free", start.linear, 0)
    prefix = "free.0."
    network.load_state_dict(
        {
            name.removeprefix(prefix): value
            for name, value in state(trained.validated).items()
            if name.startswith(prefix)
        }
    )
    fitted = fit(
        network,
        DeviceWindows.from_windows(part_windows(context, "train", "free"), torch.device("cpu")),
        None,
        refit_hyperparameters(plan, best_epoch=trained.parts[0].best_epoch),
        part="free",
        listen=ignore_events,
        should_stop=lambda: None,
    )
    shipped = state(trained.shipped)
    for name, value in fitted.weights.items():
        torch.testing.assert_close(shipped[f"{prefix}{name}"], value, atol=1e-6, rtol=1e-5)


def test_too_few_rows_for_the_linear_forecast_skip_the_refit(
    whole: TrainingResult,
) -> None:
    linear = whole.validated.linear
    enough = 2 * linear.lookback
    assert choose_refit(TINY, rows=enough, linear=linear)[0]
    repeated, why = choose_refit(TINY, rows=enough - 1, linear=linear)
    assert not repeated
    assert f"{enough - 1} training windows" in why
    assert choose_refit(replace(TINY, refit=True), rows=1, linear=linear)[0]
    assert not choose_refit(replace(TINY, refit=False), rows=10 * enough, linear=linear)[0]
    assert not choose_refit(replace(TINY, effort="fast"), rows=10 * enough, linear=linear)[0]
    assert not choose_refit(replace(TINY, model="stacked"), rows=10 * enough, linear=linear)[0]


def test_a_refit_changes_no_score_of_validation(whole: TrainingResult) -> None:
    plain = made(data(), refit=False)
    assert not plain.refitted
    assert plain.shipped is plain.validated
    assert same(plain.shipped, whole.validated)
    assert plain.weights == whole.weights
    assert plain.history == [
        {**entry, "seconds": result["seconds"]}
        for entry, result in zip(whole.history, plain.history, strict=True)
    ]


@pytest.mark.parametrize(
    "parts",
    [("linear",), ("anchored",), ("free",), ("linear", "anchored"), ("free", "linear"), ("anchored", "free")],
    ids="+".join,
)
def test_each_network_and_each_pair_of_networks(parts: tuple[str, ...]) -> None:
    events: list[Event] = []
    trained = made(data(), parts=parts, refit=False, listen=events.append)
    named = [part for part in ("linear", "anchored", "free") if part in parts]
    assert [part for part in trained.weights if part != "simple"] == named
    assert {part.name for part in trained.parts} == set(parts) - {"linear"}
    assert {event.model for event in events if isinstance(event, TrainingStarted)} == set(parts) - {"linear"}
    assert {event.part for event in events if isinstance(event, EpochEnded)} == set(parts) - {"linear"}
    batch = windows(trained)
    result = forecast(trained, batch)
    if parts == ("linear",):
        linear = trained.shipped.linear(batch.past, batch.future, batch.mask)
        np.testing.assert_allclose(result, linear, atol=1e-4)
    assert np.isfinite(result).all()
    assert np.abs(result - batch.target).mean() < 1.5


@pytest.mark.parametrize(
    ("effort", "refit", "parts", "refitted"),
    [
        ("fast", None, {"linear", "anchored"}, False),
        ("fast", True, {"linear", "anchored"}, True),
        ("default", None, {"linear", "anchored", "free"}, True),
    ],
)
def test_the_effort_chooses_the_parts_and_the_refit(
    effort: str, refit: bool | None, parts: set[str], refitted: bool
) -> None:
    trained = made(data(), effort=effort, refit=refit)
    assert set(trained.weights) - {"simple"} == parts
    assert trained.refitted is refitted


def test_the_best_effort_tries_rates_and_averages_seeds() -> None:
    trained = made(data(), effort="best", parts=("free",), lr=None, refit=False)
    network = trained.shipped.network
    assert isinstance(network, Mixture)
    assert len(network.free) == len(trained.parts) == 3
    assert len({part.lr for part in trained.parts}) == 1  # weights of the best epoch on validation
    item, two = (dict(member.state_dict()) for member in network.free[:2])
    assert not torch.equal(item["gate.weight"], two["gate.weight"])


def test_the_weights_are_those_of_the_parts_validation_forecasts(whole: TrainingResult) -> None:
    network = whole.validated.network
    assert isinstance(network, Mixture)
    table = np.stack([whole.weights[part] for part in network.parts], axis=1)
    np.testing.assert_allclose(table.sum(axis=1), 1, rtol=1e-5)
    repeated = part_weights(whole.dataset, network, torch.device("cpu"))
    np.testing.assert_allclose(repeated, table, rtol=1e-6)
    np.testing.assert_array_equal(state(whole.shipped)["weights"].numpy(), table)


def test_a_past_covariate_cannot_leak_and_known_ahead_inputs_reach_the_forecast(
    whole: TrainingResult,
) -> None:
    """Only the known-ahead inputs of the horizon reach the graph."""
    batch = windows(whole)
    first = int(split_windows(whole.dataset, "test", whole.settings["lookback"]).origins[0])
    expected = forecast(whole, batch)[0]
    for column, moves in ((0, False), (1, False), (2, True)):
        values = whole.dataset.values_scaled.copy()
        values[first : first + 6, column] += 3
        other = replace(whole, dataset=replace(whole.dataset, values_scaled=values))
        moved = forecast(other, windows(other))[0]
        assert np.array_equal(moved, expected) is not moves, f"column {column}"


def test_log_transformed_forecasts_are_not_negative() -> None:
    rows = np.exp(0.02 * np.arange(220) + 0.2 * np.sin(np.arange(220)))[:, None]
    given = dataset([rows], train_end=[150], val_end=[190], lookback=12, horizon=6)
    trained = made(given, parts=("linear",), log_transform="auto", refit=False)
    assert trained.dataset.scaler.log_transformed
    assert trained.choices["logs"].startswith("on (validation MASE of the linear forecast")
    batch = windows(trained)
    result = trained.dataset.inverse_transform_targets(forecast(trained, batch), batch.series)
    truth = trained.dataset.inverse_transform_targets(batch.target, batch.series)
    assert (result > 0).all()
    assert (np.abs(result - truth) / truth).mean() < 0.1
    off = made(given, parts=("linear",), log_transform="off", refit=False)
    assert off.choices["logs"] == "off (set by --log-transform)"
    assert not off.dataset.scaler.log_transformed


def test_the_choice_of_the_log_transform_is_reported_with_its_reason() -> None:
    config = replace(TINY, log_transform="auto")
    near = [wave(200, seed=1), wave(200, seed=2)]
    far = [near[0], 7 * near[1]]
    options: dict[str, Any] = {"train_end": [140, 140], "val_end": [170, 170]}
    item = choose_transforms(dataset(near, **options), config)
    assert "validation MASE of the linear forecast" in item.choices["logs"]
    assert item.dataset.scaler.log_transformed is item.choices["logs"].startswith("on")
    other = choose_transforms(dataset(far, **options), config)
    assert other.choices["logs"].startswith("on (the levels of the series differ by a factor of 7")
    negative = choose_transforms(dataset([near[0] - 20, near[1]], **options), config)
    assert negative.choices["logs"] == "off (some training values are zero or negative)"
    with pytest.raises(DataError, match="--log-transform on needs positive training values"):
        choose_transforms(dataset([near[0] - 20, near[1]], **options), replace(config, log_transform="on"))


def test_known_ahead_inputs_enter_the_linear_forecast_if_they_help() -> None:
    """Promotions in `data` raise their day; a known-ahead column of noise does not."""
    helps = choose_transforms(data(), TINY)
    assert len(helps.linear.response) == 1
    assert helps.choices["covariates"].startswith("used by the linear forecast")
    columns = np.hstack([wave(220, season=6), np.random.default_rng(9).normal(size=(220, 1))])
    noise = dataset([columns], train_end=[150], val_end=[190], lookback=12, horizon=6, seasons=(6,), future=1)
    start = choose_transforms(noise, TINY)
    assert len(start.linear.response) == 0
    assert start.choices["covariates"].startswith("used only by the networks")


class Wrong:
    """Linear forecast with an error of 9 deviations."""

    lookback = 8

    def __call__(self, past: np.ndarray, future: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return np.repeat(past[:, -1:, :1], 6, axis=1) + 9


SAW = np.tile([1.0, 5, 2, 8, 3, 9], 37)[:220]
WALK = np.cumsum(np.random.default_rng(0).normal(size=220))
CALM = np.concatenate([np.random.default_rng(1).normal(size=150), SAW[:70]])  # repeats only in validation


@pytest.mark.parametrize(
    ("rows", "linear", "season"),
    [
        (SAW, Wrong(), 6),
        (WALK, Wrong(), 1),
        (wave(220, season=6, noise=0.5)[:, 0], None, None),
    ],
    ids=["a season", "a walk", "the linear one is better"],
)
def test_the_simple_part_beats_the_linear_one_on_validation(
    rows: np.ndarray, linear: Any, season: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixture_weights, "refit_linear", lambda block, linear, **_: linear)
    given = dataset([rows[:, None]], train_end=[150], val_end=[190], horizon=6, lookback=12, seasons=(6,))
    assert seasonal_naive_part(given, linear or _oracle(given), workers=1) == season


def test_a_simple_part_that_is_better_only_in_a_calm_validation_is_not_used() -> None:
    given = dataset([CALM[:, None]], train_end=[150], val_end=[190], horizon=6, lookback=12, seasons=(6,))
    linear = choose_transforms(given, TINY).linear
    totals = mixture_weights._baseline_errors(given, linear)
    assert totals[6] < totals[mixture_weights.LINEAR_KEY]
    assert seasonal_naive_part(given, linear, workers=1) is None


def _oracle(given: Dataset) -> Any:
    """Return a forecaster that knows the truth of the validation windows, in their order."""
    truth = iter(split_windows(given, "val", 12).batches(512))

    class Oracle(Wrong):
        def __call__(self, past: np.ndarray, future: np.ndarray, mask: np.ndarray) -> np.ndarray:
            return next(truth).target

    return Oracle()


def test_a_simple_part_is_forecast_and_weighted(monkeypatch: pytest.MonkeyPatch) -> None:
    from lstm_cli.training.recipes import segment

    monkeypatch.setattr(segment, "seasonal_naive_part", lambda *_, **__: 6)
    trained = made(data(), parts=("linear", "free"), refit=False)
    assert list(trained.weights) == ["linear", "free", "simple"]
    batch = windows(trained)
    sides = [torch.from_numpy(np.array(side)) for side in (batch.past, batch.future, batch.mask)]
    network = trained.shipped.network
    assert isinstance(network, Mixture)
    with torch.no_grad():
        each = network.part_forecasts(*sides).numpy()
    np.testing.assert_array_equal(each[..., 2], batch.past[:, -6:, :1])


def test_without_evidence_the_weights_are_the_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[np.ndarray] = []

    def spied(*args: Any, prior: np.ndarray, horizons: float) -> np.ndarray:
        seen.append(prior)
        assert horizons == pytest.approx(2 * 40 / 6)  # 40 validation rows in each of two series
        return np.tile(prior, (6, 1))

    monkeypatch.setattr(mixture_weights, "mixture_weights", spied)
    made(data(), refit=False)
    shares = [mixture_weights.PRIOR[part] for part in ("linear", "anchored", "free")]
    assert seen[0].tolist()[:3] == pytest.approx([share / sum(shares) for share in shares])


def test_a_signal_and_a_divergence_end_the_training() -> None:
    config = replace(TINY, epochs=50)
    with pytest.raises(Interrupted):
        train_model(data(), config, threads=2, listen=ignore_events, should_stop=lambda: 15)
    with pytest.raises(TrainingDiverged):
        made(data(), threads=2, optimizer="sgd", lr=1e30, clip_norm=0.0, schedule="constant")


def test_the_textbook_model_is_refitted_where_asked() -> None:
    plain = made(data(), model="stacked", hidden=(4,))
    assert (plain.refitted, plain.weights) == (False, {})
    repeated = made(data(), model="stacked", hidden=(4,), refit=True)
    assert repeated.refitted
    assert same(repeated.validated, plain.validated)
    assert not same(repeated.shipped, repeated.validated)
    changed = made(data(change=LATER), model="stacked", hidden=(4,), refit=True)
    assert same(changed.shipped, repeated.shipped)


def test_every_setting_of_the_textbook_model_reaches_its_network() -> None:
    given = {"hidden": (4, 6), "bidirectional": True, "layer_norm": True, "attention": 3, "head": "seq2seq"}
    trained = made(
        data(), model="stacked", **given, init="orthogonal", forget_bias=True, lr=1e-30, weight_decay=0.0
    )
    assert given.items() <= (trained.settings | {"hidden": tuple(trained.settings["hidden"])}).items()
    network = trained.shipped.network
    assert isinstance(network, StackedLSTM)
    assert len(network.backward_layers) == len(network.norms) == 2
    assert network.attention is not None
    assert network.attention.heads == 3
    assert network.decoder is not None
    lstm = network.layers[0]  # almost unchanged at a tiny learning rate
    assert isinstance(lstm, torch.nn.LSTM)
    gate = lstm.weight_hh_l0[:4]
    torch.testing.assert_close(gate @ gate.T, torch.eye(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(lstm.bias_ih_l0[4:8] + lstm.bias_hh_l0[4:8], torch.ones(4))


def test_batch_norm_statistics_are_shipped_as_learned() -> None:
    trained = made(data(), model="stacked", batch_norm=True, lr=1e-2)
    assert trained.parts[0].best_epoch == 1
    network = trained.shipped.network
    assert isinstance(network, StackedLSTM)
    moved = network.norms[0].running_mean
    assert isinstance(moved, torch.Tensor)
    assert moved.any()


def test_attention_and_max_norm_reach_the_networks_of_the_default_model() -> None:
    trained = made(data(), attention=2, max_norm=0.5, refit=False)
    network = trained.shipped.network
    assert isinstance(network, Mixture)
    for each in (*network.anchored, *network.free):
        assert isinstance(each, SegmentLSTM)
        assert each.attention is not None
        assert each.attention.out.weight.any()  # it has learned
        assert each.embed.weight.norm(dim=1).max() < 0.5 + 1e-5


def test_several_gpus_are_not_advised_for_a_small_network() -> None:
    gpu, large = torch.device("cuda", 0), TrainConfig(model="stacked", hidden=(64, 1024))
    small = replace(large, hidden=(64, 512))
    (finding,) = findings_about_processes(small, gpu)
    assert (finding.rule, finding.flags) == ("M211", ("--hidden",))
    assert "512 hidden units" in finding.text
    assert findings_about_processes(large, gpu) == findings_about_processes(small, torch.device("cpu")) == ()
