"""Join of the ledger with what came true."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lstm_cli.data.dataset.dataset import Schema
from lstm_cli.data.forecast.output import write_times
from lstm_cli.data.times.formats import JOINT
from lstm_cli.errors import ArtifactError, CorruptArtifact
from lstm_cli.findings import MODEL, Finding
from lstm_cli.monitoring.actuals import Actuals, merge, read_truth, write_truth
from lstm_cli.monitoring.ledger_scores import Tally, night_error
from lstm_cli.monitoring.lost_accuracy import Night
from lstm_cli.monitoring.recorded_forecast import RecordedForecast, ServingModel, read_forecast
from lstm_cli.rundir import ledger

Warn = Callable[[Finding], None]
MAX_NAMED = 3  # files in a message
HISTORY_METRICS = ("mase", "mae_scaled", "bias_scaled")


@dataclass(frozen=True, kw_only=True)
class DayScores:
    """Scores of the forecasts from the origins of one day."""

    day: str
    model: ServingModel  # that of the newest forecast of the day
    figures: dict[str, Any]  # those of `Tally`, forecasts, values


class JoinedLedger:
    """Scores of a ledger, filled in the order of time.

    Scores by step are in memory for the current model and the last one. Each model has its scores over all steps.
    """

    def __init__(self, *, current: str, targets: tuple[str, ...], horizon: int) -> None:
        """Begin without forecasts.

        Args:
            current: digest of the model that the run has now.
            targets: targets that count.
            horizon: trained horizon.
        """
        self.recorded = self.scored = self.left_out = self.new = self.changed = 0
        self.first_us: int | None = None  # earliest time of a forecast that has not come true
        self.span_us: tuple[int, int] | None = None  # of the scored values
        self.season: int | None = None  # of the newest scored forecast
        self.per_day: list[DayScores] = []
        self.nights: list[Night] = []
        self.targets, self.horizon = targets, horizon
        self._current = current
        self._models: dict[str, ServingModel] = {}
        self._own, self._last = self._tally(), self._tally()
        self._last_model = ""
        self._overall: dict[str, Tally] = {}
        self._until_us: dict[str, int] = {}  # newest scored value of each model
        self._day: tuple[str, Tally, ServingModel] | None = None

    def add(self, forecast: RecordedForecast, truth: np.ndarray, day: str) -> None:
        """Add a forecast to the scores of its model and of its day, and to the nights of the test.

        Args:
            forecast: recorded forecast; its origin is not before that of the last one.
            truth: [S, H, C] measured values, at least one, NaN where there is none.
            day: day of the origin.
        """
        digest = forecast.model.digest
        self.scored += 1
        self.season = forecast.season
        self._models[digest] = forecast.model
        self._tally_of(digest).add(forecast, truth)
        self._overall.setdefault(digest, self._tally(horizon=1)).add(forecast, truth)
        self._add_to_day(forecast, truth, day)
        times = forecast.times_us[np.isfinite(truth).any(axis=2)]
        first, last = int(times.min()), int(times.max())
        self._until_us[digest] = max(last, self._until_us.get(digest, last))
        before = self.span_us or (first, last)
        self.span_us = (min(first, before[0]), max(last, before[1]))
        if truth.shape[1] == forecast.trained_horizon:
            night = Night(
                day=day,
                origin_us=forecast.origin_us,
                model=digest,
                errors=night_error(forecast, truth),
                promise=forecast.promise,
            )
            self.nights.append(night)

    def _tally_of(self, digest: str) -> Tally:
        """Return the tally by step of the current model, or of the last other one."""
        if digest == self._current:
            return self._own
        if digest != self._last_model:
            self._last, self._last_model = self._tally(), digest
        return self._last

    def _add_to_day(self, forecast: RecordedForecast, truth: np.ndarray, day: str) -> None:
        if self._day is None or self._day[0] != day:
            self.finish_day()
            self._day = (day, self._tally(), forecast.model)
        self._day = (day, self._day[1], forecast.model)
        self._day[1].add(forecast, truth)

    def finish_day(self) -> None:
        """Turn the sums of the newest day into figures."""
        if self._day is not None:
            day, tally, model = self._day
            figures = {"forecasts": tally.forecasts, "values": tally.values, **tally.figures()}
            self.per_day.append(DayScores(day=day, model=model, figures=figures))
            self._day = None

    def newest(self) -> tuple[ServingModel, Tally, Tally]:
        """Return the newest model with scores, its tally by step, and the tally of all others over all steps.

        It is the model that the run has now, if that has scores, else the one with the newest forecast.
        """
        digest, tally = (self._current, self._own) if self._own.forecasts else (self._last_model, self._last)
        older = self._tally(horizon=1)
        for other, overall in self._overall.items():
            if other != digest:
                older.add_all(overall)
        return self._models[digest], tally, older

    def since(self, schema: Schema) -> dict[str, dict[str, Any]]:
        """Return what each model scored, by its digest, for the history of the run.

        Args:
            schema: schema of the model of the run.
        """
        return {
            digest: {
                "forecasts": tally.forecasts,
                "values": tally.values,
                "time_end": shown_time(schema, self._until_us[digest]),
                **_history_figures(tally.figures()),
            }
            for digest, tally in self._overall.items()
        }

    @property
    def older_models(self) -> int:
        """Return the number of models with scores, without the newest one."""
        return len(self._models) - 1

    def _tally(self, *, horizon: int | None = None) -> Tally:
        return Tally(horizon=horizon or self.horizon, targets=len(self.targets))


def shown_time(schema: Schema, time_us: int) -> str:
    """Return a time as reports show it; rows are counted from 1."""
    text = write_times(schema, np.array([time_us]))[0].replace(JOINT, " ")
    return text if schema.time_name is not None else f"row {text}"


def _history_figures(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures that the history keeps of a model."""
    metrics, baseline = figures["metrics"], figures["baseline"]
    return {
        **{name: metrics[name] for name in HISTORY_METRICS},
        "wql": figures["wql"],
        "coverage": figures["coverage"],
        "baseline": {name: baseline[name] for name in HISTORY_METRICS},
    }


def join_ledger(
    run: Path, actuals: Actuals, *, current: str, targets: tuple[str, ...], horizon: int, warn: Warn
) -> JoinedLedger:
    """Join each forecast with its measured values, and keep these in the ledger. The caller holds the lock.

    A value is joined once: the ledger keeps it, and a later file can only change or add values.

    Args:
        run: run directory.
        actuals: measured values.
        current: digest of the model that the run has now.
        targets: targets that count; forecasts of others are left out.
        horizon: trained horizon; a forecast is at most that long.
        warn: receives findings.

    Raises:
        OutputError: the ledger cannot be read or written.
    """
    joined = JoinedLedger(current=current, targets=targets, horizon=horizon)
    broken: list[str] = []
    seen: dict[tuple[str, str | None], dict[tuple[str, int], int]] = {}
    origin = ""
    for name, forecast in _forecasts(run, joined, broken):
        if forecast.targets != targets or forecast.trained_horizon > horizon:
            joined.left_out += 1
            continue
        known = _known_truth(run, name, forecast, broken)
        merged = merge(forecast, known, actuals.of(forecast))
        if merged.new or merged.changed:
            write_truth(run, name, merged.truth)
        joined.new += merged.new
        joined.changed += merged.changed
        if name.partition("-")[0] != origin:
            origin, seen = name.partition("-")[0], {}
        truth = _only_unseen(forecast, merged.truth, seen)
        if np.isfinite(truth).any():
            joined.add(forecast, truth, ledger.day_of(name))
        elif not np.isfinite(merged.truth).any():
            first = int(forecast.times_us.min())
            joined.first_us = first if joined.first_us is None else min(first, joined.first_us)
    joined.finish_day()
    _warn_about(joined, broken, warn)
    return joined


def _forecasts(run: Path, joined: JoinedLedger, broken: list[str]) -> Iterator[tuple[str, RecordedForecast]]:
    """Yield the readable forecasts with their names. A corrupt one is set aside, so that it is reported once."""
    for name in ledger.forecast_names(run):
        try:
            forecast = read_forecast(run, name)
        except ArtifactError as error:
            joined.recorded += 1
            joined.left_out += 1
            _set_aside(run, name, ledger.FORECAST, error, broken)
            continue
        if forecast is not None:  # another process can have removed it
            joined.recorded += 1
            yield name, forecast


def _known_truth(run: Path, name: str, forecast: RecordedForecast, broken: list[str]) -> np.ndarray | None:
    try:
        return read_truth(run, name, forecast)
    except ArtifactError as error:
        _set_aside(run, name, ledger.ACTUAL, error, broken)
        return None


def _set_aside(run: Path, name: str, ending: str, error: ArtifactError, broken: list[str]) -> None:
    broken.append(error.message)
    if isinstance(error, CorruptArtifact):
        ledger.set_aside(run, name, ending)


def _only_unseen(
    forecast: RecordedForecast,
    truth: np.ndarray,
    seen: dict[tuple[str, str | None], dict[tuple[str, int], int]],
) -> np.ndarray:
    """Return the measured values without those that another forecast of the same model and origin has scored.

    So `predict --only A` next to a forecast of all series does not count twice.
    """
    of_model = seen.setdefault((forecast.model.digest, forecast.model.quantized), {})
    steps = truth.shape[1]
    keys = list(zip(forecast.names, forecast.times_us[:, 0].tolist(), strict=True))
    done = np.array([of_model.get(key, 0) for key in keys])
    of_model.update({key: max(steps, before) for key, before in zip(keys, done.tolist(), strict=True)})
    if not done.any():
        return truth
    return np.where((np.arange(steps) < done[:, None])[:, :, None], np.nan, truth)


def _warn_about(joined: JoinedLedger, broken: list[str], warn: Warn) -> None:
    if broken:
        more = f" and {len(broken) - MAX_NAMED:,} more" if len(broken) > MAX_NAMED else ""
        text = f"left out of the scores: {'; '.join(broken[:MAX_NAMED])}{more} (no option for this)"
        warn(Finding(rule="M402", kind=MODEL, text=text, count=len(broken)))
    if joined.changed:
        values = "value has" if joined.changed == 1 else "values have"
        text = f"{joined.changed:,} measured {values} changed after the last score; the new values count"
        warn(Finding(rule="M403", kind=MODEL, text=f"{text} (no option for this)", count=joined.changed))
