"""What mattered in a search, on scores whose cause is known."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from lstm_cli.config import TrainConfig
from lstm_cli.config.search_space import parse_space
from lstm_cli.steps.tune.importance import ranks, setting_importance

SPACE = parse_space(("hidden=1..99", "lr=1e-4..1e-2:log", "loss=mae|huber|mse"), TrainConfig())


def trials(score: Any, count: int = 60) -> list[dict[str, Any]]:
    """score: of (hidden, lr, loss)."""
    chance = np.random.default_rng(1)
    drawn = [
        (
            int(chance.integers(1, 99)),
            float(10 ** chance.uniform(-4, -2)),
            str(chance.choice(["mae", "huber", "mse"])),
        )
        for _ in range(count)
    ]
    return [
        {"settings": {"hidden": [one[0]], "lr": one[1], "loss": one[2]}, "score": score(*one)}
        for one in drawn
    ]


def test_a_setting_with_an_effect_has_the_share() -> None:
    told = setting_importance(SPACE, trials(lambda hidden, lr, loss: 5 - hidden / 99))
    assert told["hidden"] == {"share": 1.0, "rank_correlation": pytest.approx(-1.0)}
    assert (told["lr"]["share"] or 0) < 0.1
    assert (told["loss"]["share"] or 0) < 0.1


def test_an_optimum_in_the_middle_has_a_share_without_correlation() -> None:
    told = setting_importance(SPACE, trials(lambda hidden, lr, loss: abs(np.log10(lr) + 3)))
    assert (told["lr"]["share"] or 0) > 0.8
    assert abs(told["lr"]["rank_correlation"] or 0) < 0.35


def test_a_choice_that_decides_half() -> None:
    told = setting_importance(SPACE, trials(lambda hidden, lr, loss: (loss == "mae") + hidden / 99))
    assert told["loss"]["rank_correlation"] is None
    assert 0.3 < (told["loss"]["share"] or 0) < 0.8
    assert (told["hidden"]["share"] or 0) > 0.2


def test_few_trials_or_equal_scores_give_no_importance() -> None:
    nothing = {"share": None, "rank_correlation": None}
    assert setting_importance(SPACE, trials(lambda *_: 1.0)) == dict.fromkeys(SPACE, nothing)
    assert setting_importance(SPACE, trials(lambda hidden, *_: hidden, count=4)) == dict.fromkeys(
        SPACE, nothing
    )
    assert setting_importance(SPACE, []) == dict.fromkeys(SPACE, nothing)


def test_ranks_give_spearmans_correlation() -> None:
    chance = np.random.default_rng(0)
    one, other = chance.integers(0, 6, 50), chance.integers(0, 6, 50)
    found = np.corrcoef(ranks(one), ranks(other))[0, 1]
    assert found == pytest.approx(spearmanr(one, other).statistic)
