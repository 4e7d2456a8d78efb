"""Tests of a resumed training of a whole model, interrupted in any network at any step: equal to the bit."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache

import numpy as np
import pytest
import torch
from small_data import dataset, wave

from lstm_cli.config import TrainConfig
from lstm_cli.errors import Interrupted, TrainingDiverged
from lstm_cli.events import Event, Progressed, ignore_events
from lstm_cli.training.recipes import automatic_choices
from lstm_cli.training.recipes.automatic_choices import TransformedData, choose_transforms
from lstm_cli.training.recipes.result import TrainingResult
from lstm_cli.training.recipes.segment import train_segment
from lstm_cli.training.recipes.stacked import train_stacked
from lstm_cli.training.setup.checkpoint_state import Checkpoints, IncompatibleState, SavedState

TINY = TrainConfig(
    hidden=(4,), epochs=2, batch_size=4, lr=1e-3, log_transform="off", device="cpu", refit=True
)
WAYS = {
    "segment": TINY,
    # Several rates first, then more seeds of the best of them.
    "best": replace(TINY, effort="best", parts=("anchored",), lr=None, epochs=1, refit=False),
    "stacked": replace(TINY, model="stacked", hidden=(4, 3)),
}


@cache
def start() -> TransformedData:
    data = dataset(
        [wave(150, seed=2, season=6)],
        train_end=[100],
        val_end=[125],
        lookback=12,
        horizon=6,
        seasons=(6,),
        scaler="standard",
    )
    return choose_transforms(data, TINY)


def trained(
    config: TrainConfig, checkpoints: Checkpoints, should_stop: Callable[[], int | None]
) -> TrainingResult:
    options = {"device": torch.device("cpu"), "listen": ignore_events, "should_stop": should_stop}
    if config.model == "stacked":
        return train_stacked(start(), config, checkpoints=checkpoints, **options)
    return train_segment(start(), config, workers=1, checkpoints=checkpoints, **options)


class CountingStop:
    """Function should_stop that counts its calls and stops at the n-th one."""

    def __init__(self, at: int | None = None) -> None:
        self.count, self.at = 0, at

    def __call__(self) -> int | None:
        self.count += 1
        return 15 if self.count == self.at else None


@dataclass(frozen=True, kw_only=True)
class UninterruptedTraining:
    """Uninterrupted training and its saved states."""

    trained: TrainingResult
    states: dict[str, SavedState]  # saved states
    questions: int
    other_questions: int  # questions outside the epochs of networks


@cache
def whole(way: str) -> UninterruptedTraining:
    states: dict[str, SavedState] = {}
    first, repeated = CountingStop(), CountingStop()
    result = trained(WAYS[way], Checkpoints(save=states.__setitem__), first)
    require_same(trained(WAYS[way], Checkpoints(stored=states), repeated), result)
    return UninterruptedTraining(
        trained=result, states=states, questions=first.count, other_questions=repeated.count
    )


def require_same(item: TrainingResult, other: TrainingResult) -> None:
    for ours, theirs in ((item.shipped, other.shipped), (item.validated, other.validated)):
        first, second = ours.network.state_dict(), theirs.network.state_dict()
        assert first.keys() == second.keys()
        assert all(torch.equal(first[name], second[name]) for name in first)
    plain = [[{**entry, "seconds": 0} for entry in made.history] for made in (item, other)]
    assert plain[0] == plain[1]
    assert [asdict(part) for part in item.parts] == [asdict(part) for part in other.parts]
    assert item.weights == other.weights


@pytest.mark.parametrize("way", WAYS)
def test_repeated_interruptions_give_the_same_model(way: str) -> None:
    """Each process finishes a little more than one epoch before it is interrupted."""
    expected = whole(way)
    states: dict[str, SavedState] = {}
    ends, made = 0, None
    while made is None:
        try:
            checkpoints = Checkpoints(stored=dict(states), save=states.__setitem__)
            made = trained(WAYS[way], checkpoints, CountingStop(expected.other_questions + 130))
        except Interrupted:
            ends += 1
            assert ends < 20, "it comes no further"
    assert ends >= 2
    require_same(made, expected.trained)


@pytest.mark.parametrize("way", WAYS)
def test_finished_networks_are_not_trained_again(way: str) -> None:
    result = whole(way)
    plans = [(saved.facts["epoch"], saved.facts["plan"]) for saved in networks_of(result).values()]
    steps = sum(epoch * plan["steps_per_epoch"] for epoch, plan in plans)
    assert steps > 200
    assert result.questions >= result.other_questions + steps


def test_every_network_has_its_own_slot() -> None:
    """Rates and seeds of one part, and the refits, do not overwrite each other."""
    parts = [name.split()[0] for name in networks_of(whole("segment"))]
    assert sorted(parts) == ["anchored", "anchored", "free", "free"]
    plans = [saved.facts["plan"] for saved in networks_of(whole("best")).values()]
    assert len({(plan["lr"], plan["seed"]) for plan in plans}) == len(plans) == 5
    assert set(whole("stacked").states) == {"stacked", "stacked again", "linear forecast again"}


def networks_of(found: UninterruptedTraining) -> dict[str, SavedState]:
    return {name: saved for name, saved in found.states.items() if not name.startswith("linear")}


def choose(
    config: TrainConfig, states: dict[str, SavedState], rows: np.ndarray
) -> tuple[TransformedData, list[Event]]:
    """Choose the transforms with the stored states and save new ones; return the result and the events."""
    data = dataset(
        [rows], train_end=[100], val_end=[125], lookback=12, horizon=6, seasons=(6,), scaler="standard"
    )
    events: list[Event] = []
    checkpoints = Checkpoints(stored=dict(states), save=states.__setitem__)
    return choose_transforms(data, config, listen=events.append, checkpoints=checkpoints), events


def test_the_linear_forecast_is_fitted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stored forecasts replace the fit for every log transform setting, equal to the bit."""
    config, rows = replace(TINY, log_transform="auto"), np.exp(wave(150, seed=2, season=6) / 10)
    states: dict[str, SavedState] = {}
    first, events = choose(config, states, rows)
    assert set(states) == {"linear forecast", "linear forecast (log transform)"}
    stages = {event.stage: event for event in events if isinstance(event, Progressed)}
    assert set(stages) == {f"fitting the {name}" for name in states}
    assert all(event.done == event.total for event in stages.values())
    monkeypatch.setattr(automatic_choices, "fit_linear", None)  # a second fit would fail
    repeated, events = choose(config, states, rows)
    assert not events
    assert repeated.choices == first.choices
    for name, array in first.linear.arrays().items():
        np.testing.assert_array_equal(array, repeated.linear.arrays()[name])
    assert repeated.linear.fit_facts() == first.linear.fit_facts()


def test_invalid_linear_state_is_refused() -> None:
    states: dict[str, SavedState] = {}
    rows = wave(150, seed=2, season=6)
    choose(TINY, states, rows)
    saved = states["linear forecast"]
    for facts in ({}, {"linear": {}}, {"linear": saved.facts["linear"] | {"members": [{}]}}):
        with pytest.raises(IncompatibleState, match="does not contain a linear forecast"):
            choose(TINY, {"linear forecast": replace(saved, facts=facts)}, rows)


@pytest.mark.parametrize("scaler", ["none", "standard"])
def test_values_too_large_for_32_bits_stop_training_before_it_begins(scaler: str) -> None:
    """With the standard scaler a validation row is too large, because the scaler does not read it."""
    rows = wave(150, seed=2, season=6)
    rows[110] = 1e38
    data = dataset([rows], train_end=[100], val_end=[125], lookback=12, horizon=6, scaler=scaler)
    with pytest.raises(TrainingDiverged, match="diverged at its start: scaled values reach") as diverged:
        choose_transforms(data, TINY)
    assert "--scaler standard" in diverged.value.hint
    rows[110], rows[130] = rows[109], 1e38  # test rows are not trained on
    data = dataset([rows], train_end=[100], val_end=[125], lookback=12, horizon=6, scaler=scaler)
    choose_transforms(data, TINY)
