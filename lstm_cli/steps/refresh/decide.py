"""Rule of `refresh` that says whether a challenger is trained."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lstm_cli.config import RefreshConfig
from lstm_cli.config.refresh import HORIZONS
from lstm_cli.monitoring.lost_accuracy import AccuracyTest
from lstm_cli.rundir import Run, list_versions
from lstm_cli.text import count_noun

DAY = 86_400  # seconds
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


def new_alarm(test: AccuracyTest | None, digest: str, since_us: int | None) -> bool:
    """Return whether the test has an alarm about the current model that is newer than the last training.

    Args:
        test: test for lost accuracy; None without recorded forecasts.
        digest: digest of the current model.
        since_us: newest row of the last night with a training; None: there was none.
    """
    return test is not None and any(
        test.nights[alarm].model == digest and (since_us is None or test.nights[alarm].origin_us > since_us)
        for alarm in test.alarms
    )


def decide(
    config: RefreshConfig,
    *,
    unlearnt: int,
    since_last: int,
    needed: int,
    horizon: int,
    is_alarmed: bool,
    trained_at: datetime | None,
) -> Decision:
    """Return whether a challenger is trained.

    Args:
        config: settings of `refresh`.
        unlearnt: rows after the last one that the model has learnt.
        since_last: those of them that are newer than the last night with a training.
        needed: rows that the comparison needs.
        horizon: steps of a forecast.
        is_alarmed: there is a new alarm about lost accuracy.
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
    if is_alarmed:
        return Decision(train=True, reason="alarm: the accuracy is lost")
    if since_last >= limit:
        return Decision(train=True, reason=f"{rows}, limit {limit:,}")
    if age is not None and age >= config.max_age and since_last:
        return Decision(train=True, reason=f"last training {age:.0f} days ago, limit {config.max_age:g}")
    return Decision(train=False, reason=f"{rows}, limit {limit:,}, no alarm")
