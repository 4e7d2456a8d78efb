"""Nights of `refresh` on small runs, and comparisons that are decided beforehand."""

from pathlib import Path

import pytest
from small_ledger import until

from lstm_cli.config import RefreshConfig
from lstm_cli.events import ignore_events
from lstm_cli.steps.refresh import night, refresh
from lstm_cli.steps.refresh.compare import Comparison
from lstm_cli.steps.refresh.report import RefreshReport

FIRST = "2024-05-09"  # last measured day of the first 130 rows


def refreshed(run: Path, big: Path, day: str, config: RefreshConfig = RefreshConfig()) -> RefreshReport:  # noqa: B008
    return refresh(run, until(big, day, run.parent / "new.csv"), config, ignore_events)


def result(better: bool) -> Comparison:
    scores = {"mae": 1.0, "mase": 1.0}
    return Comparison(
        champion=scores,
        challenger=dict.fromkeys(scores, 0.9 if better else 1.1),
        baselines={"naive": scores},
        difference=10.0 if better else -10.0,
        interval=[5.0, 15.0] if better else [-15.0, -5.0],
        windows=9,
        since="2024-06-01",
        refitted=True,
    )


def choose(monkeypatch: pytest.MonkeyPatch, better: bool) -> None:
    """Decide the comparison beforehand."""
    monkeypatch.setattr(night, "compare", lambda *args: result(better))
