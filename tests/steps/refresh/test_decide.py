"""Tests of the rule that says when a challenger is trained, and which rows are held out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from lstm_cli.config import RefreshConfig
from lstm_cli.monitoring.ledger_scores import NightError
from lstm_cli.monitoring.lost_accuracy import AccuracyTest, Night
from lstm_cli.steps.refresh.decide import decide, find_loss, held_out_rows

HORIZON = 24


def decided(config: RefreshConfig | None = None, **changes: Any) -> tuple[bool, str]:
    facts = {
        "unlearnt": 200,
        "since_last": 200,
        "needed": 2 * HORIZON,
        "horizon": HORIZON,
        "lost": None,
        "tested": True,
        "trained_at": datetime.now(UTC),
    }
    decision = decide(config or RefreshConfig(), **facts | changes)
    return decision.train, decision.reason


def nights_of(models: str, alarms: tuple[int, ...], begins: tuple[int, ...]) -> AccuracyTest:
    """Return a test with one night for each letter, the digest of its model."""
    errors = NightError(model=1.0, baseline=1.0, count=1, cells=1)
    nights = tuple(
        Night(day=str(index), origin_us=index, model=model, errors=errors, promise=None)
        for index, model in enumerate(models)
    )
    zeros = np.zeros(len(models))
    return AccuracyTest(
        nights=nights,
        without_promise=0,
        ratios=zeros + 1,
        statistic=zeros,
        limit=1.0,
        alarms=alarms,
        begins=begins,
    )


def test_thirty_horizons_of_new_rows_lead_to_a_training() -> None:
    assert decided(unlearnt=720, since_last=719) == (
        False,
        "719 rows newer than the last training, limit 720, no alarm",
    )
    assert decided(tested=False) == (
        False,
        "200 rows that the model has not learnt, limit 720, no test",
    )
    assert decided(unlearnt=720, since_last=720) == (
        True,
        "720 rows that the model has not learnt, limit 720",
    )
    assert decided(RefreshConfig(new_rows=100)) == (True, "200 rows that the model has not learnt, limit 100")


def test_an_alarm_leads_to_a_training() -> None:
    assert decided(lost=100) == (True, "alarm: the accuracy is lost")
    assert decided(lost=100, unlearnt=47)[0] is False  # too few rows for a comparison


def test_the_same_loss_is_compared_again_when_there_are_half_as_many_rows_more() -> None:
    wait = (False, "alarm: 96 rows after the loss, a comparison needs 108")
    assert decided(lost=96, since_last=24) == wait  # 72 rows were compared
    assert decided(lost=107, since_last=35)[0] is False
    assert decided(lost=108, since_last=36) == (True, "alarm: the accuracy is lost")


def test_a_loss_is_compared_when_the_challenger_can_learn_a_horizon_of_it() -> None:
    assert decided(lost=71) == (False, "alarm: 71 rows after the loss, a comparison needs 72")
    assert decided(lost=72)[0] is True


def test_the_age_of_the_last_training_leads_to_a_training() -> None:
    old = datetime.now(UTC) - timedelta(days=30, hours=1)
    assert decided(trained_at=old) == (True, "last training 30 days ago, limit 30")
    assert decided(trained_at=old, since_last=0)[0] is False


def test_the_loss_began_with_the_newest_alarm_about_the_current_model() -> None:
    assert find_loss(None, "b", None) is None
    assert find_loss(nights_of("aabbbb", (), ()), "b", None) is None
    assert find_loss(nights_of("aabbbbb", (1, 3, 6), (0, 2, 5)), "b", None) == 5
    assert find_loss(nights_of("aabbbbb", (1, 3, 6), (0, 2, 4)), "b", None) == 2  # one loss, two alarms
    assert find_loss(nights_of("aabbbb", (1,), (0,)), "b", None) is None  # an alarm about an older model
    assert find_loss(nights_of("aabbbb", (3,), (2,)), "b", 3) is None  # the night with this alarm has trained
    assert find_loss(nights_of("aabbbbb", (3, 6), (2, 5)), "b", 3) == 5
    assert find_loss(nights_of("aabbbbb", (3, 6), (2, 4)), "b", 3) == 2


@pytest.mark.parametrize(
    ("unlearnt", "lost", "expected"),
    [
        (48, None, 48),  # two horizons at least
        (240, None, 120),  # half
        (1440, 192, 96),  # after an alarm, half of the rows after the loss
        (1440, 24, 48),
        (100, 192, 50),
    ],
)
def test_the_newest_half_is_held_out(unlearnt: int, lost: int | None, expected: int) -> None:
    assert held_out_rows(unlearnt, lost, HORIZON) == expected
