"""Rule of `refresh` that says whether a challenger is trained."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lstm_cli.config import RefreshConfig
from lstm_cli.config.refresh import HORIZONS
from lstm_cli.monitoring.lost_accuracy import AccuracyTest
from lstm_cli.rundir import Run, list_versions
from lstm_cli.wording import count_noun

DAY = 86_400  # seconds
MORE_ROWS = 1.5  # times the rows since a loss began, for another comparison because of this loss
COMPARED = ("kept", "replaced", "failed")  # verdicts of nights with a training


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Choice to train a challenger or not, and the reason."""

    train: bool
    reason: str


def last_training(run: Run) -> tuple[Mapping[str, Any] | None, datetime | None]:
    """Return the newest verdict of a night with a training, and the time of the last training; None if unknown."""
    versions = list_versions(run.steps, run.models)
    verdicts = [each for each in _verdicts(versions) if each.get("verdict") in COMPARED]
    newest = max(verdicts, key=lambda each: str(each.get("at")), default=None)
    made = versions[-1].get("made") if versions else None
    times = [text for text in (made, None if newest is None else newest.get("at")) if isinstance(text, str)]
    return newest, max((_moment(text) for text in times), default=None)


def _verdicts(versions: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for version in versions:
        yield from version.get("verdicts", ())


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def find_loss(test: AccuracyTest | None, digest: str, since_us: int | None) -> int | None:
    """Return when the accuracy of the current model was lost, in microseconds.

    None: there is no alarm that is newer than the last training. An alarm whose sum began with the alarm before it is
    about the same loss.

    Args:
        test: test for lost accuracy; None without recorded forecasts.
        digest: digest of the current model.
        since_us: newest row of the last night with a training; None: there was none.
    """
    if test is None:
        return None
    first = None
    for alarm, begin in zip(reversed(test.alarms), reversed(test.begins), strict=True):
        night = test.nights[alarm]
        if night.model != digest or (first is None and since_us is not None and night.origin_us <= since_us):
            break
        if first is not None and alarm + 1 < first:
            break
        first = begin
    return None if first is None else test.nights[first].origin_us


def held_out_rows(unlearnt: int, lost: int | None, horizon: int) -> int:
    """Return the number of rows to hold out: the newest half of the unlearnt rows, at least two horizons.

    After an alarm it is half of the rows since the loss began, so that the challenger learns some of them.

    Args:
        unlearnt: rows after the last one that the model has learnt.
        lost: rows since the loss of accuracy began; None without an alarm.
        horizon: steps of a forecast.
    """
    new = unlearnt if lost is None else min(lost, unlearnt)
    return max(2 * horizon, new // 2)


def decide(
    config: RefreshConfig,
    *,
    unlearnt: int,
    since_last: int,
    needed: int,
    horizon: int,
    lost: int | None,
    tested: bool,
    trained_at: datetime | None,
) -> Decision:
    """Return whether a challenger is trained.

    Args:
        config: settings of `refresh`.
        unlearnt: rows after the last one that the model has learnt.
        since_last: those of them that are newer than the last night with a training.
        needed: rows that the comparison needs.
        horizon: steps of a forecast.
        lost: rows since the loss of accuracy began; None without a new alarm.
        tested: the test for lost accuracy ran.
        trained_at: time of the last training; None: unknown.
    """
    limit = config.new_rows or HORIZONS * horizon
    since = "that the model has not learnt" if since_last == unlearnt else "newer than the last training"
    rows = f"{count_noun(since_last, 'row')} {since}"
    age = None if trained_at is None else (datetime.now(UTC) - trained_at).total_seconds() / DAY
    if unlearnt < needed:
        return Decision(
            train=False,
            reason=f"{count_noun(unlearnt, 'row')} after the last learnt one, a comparison needs {needed:,}",
        )
    if config.always:
        return Decision(train=True, reason="--always")
    if lost is not None and lost >= (least := _rows_after_loss(lost, since_last, needed + horizon)):
        return Decision(train=True, reason="alarm: the accuracy is lost")
    if since_last >= limit:
        return Decision(train=True, reason=f"{rows}, limit {limit:,}")
    if age is not None and age >= config.max_age and since_last:
        return Decision(train=True, reason=f"last training {age:.0f} days ago, limit {config.max_age:g}")
    if lost is not None:
        reason = f"alarm: {count_noun(lost, 'row')} after the loss, a comparison needs {least:,}"
        return Decision(train=False, reason=reason)
    return Decision(train=False, reason=f"{rows}, limit {limit:,}, no {'alarm' if tested else 'test'}")


def _rows_after_loss(lost: int, since_last: int, needed: int) -> int:
    """Return the rows after a loss of accuracy that a comparison needs, so that the challenger can learn some of them.

    The same loss may raise an alarm each night. It is compared again when there is much more of it to learn.

    Args:
        lost: rows after the loss.
        since_last: new rows after the last night with a training.
        needed: rows to hold out, and to learn.
    """
    return max(needed, math.ceil(MORE_ROWS * (lost - since_last)))
