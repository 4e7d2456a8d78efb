"""A model whose training is ended and goes on, in whichever network and at whichever step: to the bit the same."""

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache

import pytest
import torch
from small_data import dataset, wave

from lstm_cli.config import TrainConfig
from lstm_cli.errors import Interrupted
from lstm_cli.events import silent
from lstm_cli.training.checkpoints import Checkpoints, Saved
from lstm_cli.training.choices import Start, settle
from lstm_cli.training.segment import train_segment
from lstm_cli.training.stacked import train_stacked
from lstm_cli.training.trained import Trained

TINY = TrainConfig(hidden=(4,), epochs=2, batch_size=4, lr=1e-3, logs="off", device="cpu", refit=True)
WAYS = {
    "segment": TINY,
    # Several rates first, then more seeds of the best of them.
    "best": replace(TINY, effort="best", parts=("anchored",), lr=None, epochs=1, refit=False),
    "stacked": replace(TINY, model="stacked", hidden=(4, 3)),
}


@cache
def start() -> Start:
    data = dataset(
        [wave(150, seed=2, season=6)],
        train_end=[100],
        val_end=[125],
        lookback=12,
        horizon=6,
        seasons=(6,),
        scaler="standard",
    )
    return settle(data, TINY)


def trained(config: TrainConfig, checkpoints: Checkpoints, should_stop: Callable[[], int | None]) -> Trained:
    options = {"device": torch.device("cpu"), "listen": silent, "should_stop": should_stop}
    if config.model == "stacked":
        return train_stacked(start(), config, checkpoints=checkpoints, **options)
    return train_segment(start(), config, workers=1, checkpoints=checkpoints, **options)


class Asked:
    """A should_stop that counts, and ends at the n-th question."""

    def __init__(self, at: int | None = None) -> None:
        self.count, self.at = 0, at

    def __call__(self) -> int | None:
        self.count += 1
        return 15 if self.count == self.at else None


@cache
def whole(way: str) -> tuple[Trained, dict[str, Saved], int]:
    """The training that nobody ends, what it leaves, and how often it asks beside the steps of networks."""
    states: dict[str, Saved] = {}
    found = trained(WAYS[way], Checkpoints(save=states.__setitem__), Asked())
    asked = Asked()
    require_same(trained(WAYS[way], Checkpoints(found=states), asked), found)
    return found, states, asked.count


def require_same(one: Trained, other: Trained) -> None:
    for ours, theirs in ((one.shipped, other.shipped), (one.validated, other.validated)):
        first, second = ours.network.state_dict(), theirs.network.state_dict()
        assert first.keys() == second.keys()
        assert all(torch.equal(first[name], second[name]) for name in first)
    plain = [[{**entry, "seconds": 0} for entry in made.history] for made in (one, other)]
    assert plain[0] == plain[1]
    assert [asdict(part) for part in one.parts] == [asdict(part) for part in other.parts]
    assert one.weights == other.weights


@pytest.mark.parametrize("way", WAYS)
def test_a_training_that_is_ended_again_and_again_gives_the_same_model(way: str) -> None:
    """Each process comes through a little more than one epoch before it is ended."""
    expected, _, beside = whole(way)
    for steps in (130, 170):
        states: dict[str, Saved] = {}
        ends, made = 0, None
        while made is None:
            try:
                checkpoints = Checkpoints(found=dict(states), save=states.__setitem__)
                made = trained(WAYS[way], checkpoints, Asked(beside + steps))
            except Interrupted:
                ends += 1
                assert ends < 20, "it comes no further"
        assert ends >= 1
        require_same(made, expected)


@pytest.mark.parametrize("way", WAYS)
def test_finished_networks_are_not_trained_again(way: str) -> None:
    _, states, beside = whole(way)
    steps = sum(saved.facts["epoch"] * saved.facts["plan"]["steps_per_epoch"] for saved in states.values())
    asked = Asked()
    trained(WAYS[way], Checkpoints(), asked)
    assert asked.count >= beside + steps


def test_every_network_has_a_place_of_its_own() -> None:
    """Rates and seeds of one part, and the refits, do not overwrite each other."""
    parts = [name.split()[0] for name in whole("segment")[1]]
    assert sorted(parts) == ["anchored", "anchored", "free", "free"]
    plans = [saved.facts["plan"] for saved in whole("best")[1].values()]
    assert len({(plan["lr"], plan["seed"]) for plan in plans}) == len(plans) == 5
    assert set(whole("stacked")[1]) == {"stacked", "stacked again"}
