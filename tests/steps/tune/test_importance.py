"""Tests of the importance of settings, on scores with a known cause."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from lstm_cli.config import TrainConfig
from lstm_cli.config.search_space import parse_space
from lstm_cli.steps.tune.importance import ranks, setting_importance

SPACE = parse_space(("hidden=1..99", "lr=1e-4..1e-2:log", "loss=mae|huber|mse"), TrainConfig())


def trials(score: Any, count: int = 60) -> list[dict[str, Any]]:
    """Return trials with random settings; `score` is a function of (hidden, lr, loss)."""
    generator = np.random.default_rng(1)
    drawn = [
        (
            int(generator.integers(1, 99)),
            float(10 ** generator.uniform(-4, -2)),
            str(generator.choice(["mae", "huber", "mse"])),
        )
        for _ in range(count)
    ]
    return [
        {"settings": {"hidden": [hidden], "lr": lr, "loss": loss}, "score": score(hidden, lr, loss)}
        for hidden, lr, loss in drawn
    ]


def test_a_setting_with_an_effect_has_the_share() -> None:
    importance = setting_importance(SPACE, trials(lambda hidden, lr, loss: 5 - hidden / 99))
    assert importance["hidden"] == {"share": 1.0, "rank_correlation": pytest.approx(-1.0)}
    assert (importance["lr"]["share"] or 0) < 0.1
    assert (importance["loss"]["share"] or 0) < 0.1


def test_an_optimum_in_the_middle_has_a_share_without_correlation() -> None:
    importance = setting_importance(SPACE, trials(lambda hidden, lr, loss: abs(np.log10(lr) + 3)))
    assert (importance["lr"]["share"] or 0) > 0.8
    assert abs(importance["lr"]["rank_correlation"] or 0) < 0.35


def test_a_choice_that_decides_half() -> None:
    importance = setting_importance(SPACE, trials(lambda hidden, lr, loss: (loss == "mae") + hidden / 99))
    assert importance["loss"]["rank_correlation"] is None
    assert 0.3 < (importance["loss"]["share"] or 0) < 0.8
    assert (importance["hidden"]["share"] or 0) > 0.2


def test_few_trials_or_equal_scores_give_no_importance() -> None:
    nothing = {"share": None, "rank_correlation": None}
    assert setting_importance(SPACE, trials(lambda *_: 1.0)) == dict.fromkeys(SPACE, nothing)
    assert setting_importance(SPACE, trials(lambda hidden, *_: hidden, count=4)) == dict.fromkeys(
        SPACE, nothing
    )
    assert setting_importance(SPACE, []) == dict.fromkeys(SPACE, nothing)


def test_ranks_give_spearmans_correlation() -> None:
    generator = np.random.default_rng(0)
    item, other = generator.integers(0, 6, 50), generator.integers(0, 6, 50)
    correlation = np.corrcoef(ranks(item), ranks(other))[0, 1]
    assert correlation == pytest.approx(spearmanr(item, other).statistic)
