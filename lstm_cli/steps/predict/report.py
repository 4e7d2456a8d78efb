"""Report of `predict`."""

from dataclasses import dataclass
from typing import Any

from lstm_cli.steps.shared.report_json import to_plain


@dataclass(frozen=True, kw_only=True)
class PredictReport:
    """Report of `predict`."""

    run: str
    output: str
    plot: str | None = None  # file of --plot; `-` for a drawing in the terminal
    format: str
    precision: str
    rows: int
    series: int
    horizon: int  # steps of the forecast
    trained_horizon: int  # steps that the model forecasts at once
    lookback: int  # steps; the lookback of `prepare`
    reads_rows: int  # rows that the model reads; parts may read more than the lookback
    levels: tuple[float, ...]  # of the prediction intervals in the forecast, in percent
    quantiles: tuple[float, ...]  # further quantiles in the forecast, as probabilities
    samples: int | None  # sample paths of each series; None: the forecast has none
    seed: int | None  # of the sample paths
    origin: str | None  # last row that the forecast knows, of --origin; None: the last row of the data
    time_start: str  # of the forecast, in the time format of the file
    time_end: str
    ended: tuple[str, ...]  # names of ended series, skipped unless --ended include
    new_series: tuple[str, ...]  # names of series that the model was not trained on
    baseline_series: tuple[str, ...]  # names of series that are too short for the model
    seconds: dict[str, float]  # by stage: read, model, write
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()  # the warnings as data; 0.1.0 kept none
    recorded: str | None = None  # file of --record in the ledger

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("plot",))
