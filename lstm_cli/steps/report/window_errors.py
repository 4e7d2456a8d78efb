"""Pass over the windows of a report: errors by step, time and size, and calibration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Windows
from lstm_cli.data.times.formats import DAY, HOUR
from lstm_cli.evaluation import scoring
from lstm_cli.evaluation.quantiles.interval_scores import ENDS, SCORED_QUANTILES, WQL_QUANTILES
from lstm_cli.evaluation.uncertainty import WindowErrors
from lstm_cli.evaluation.window_forecasts import row_times, window_forecasts
from lstm_cli.reporting.facts import Calibration, Groups, Residuals
from lstm_cli.steps.evaluate.score_model import ScoringSubject
from lstm_cli.steps.report.chart_axis import chart_x

MAX_WINDOWS = 8_000  # windows that are forecast again; more are sampled evenly
MAX_CELLS = 4_000_000  # windows x steps x targets that are kept
BINS = {
    3_000: 41,
    300: 25,
    0: 13,
}  # least number of errors: bins of the histogram; odd, so that one is around 0
MAX_PARTS, PART_TIMES = 48, 3  # parts of the time of the errors: at most, and distinct times in each
TAIL = 0.005  # share of the errors beyond each end of the histogram
HOURS = tuple(f"{hour:02}" for hour in range(24))
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MIN_GROUPS = 3  # of hours, weekdays or months that are worth a chart
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, kw_only=True)
class WindowSums:
    """Errors of all drawn windows, and the windows to draw."""

    windows: Windows
    error: np.ndarray  # [N, H, C] float32, forecast minus truth in `divisor`; NaN where not measured
    baseline: np.ndarray  # [N, H, C] float32
    divisor: np.ndarray  # [S, C] units of the errors
    below: np.ndarray | None  # [9] share of measured values below each quantile, equal ones by half; or None
    inside: Mapping[str, np.ndarray]  # level: [H] percent
    coverage: Mapping[str, float | None]  # level: percent of all measured values
    chosen: Mapping[str, tuple[int, int]]  # name: window and target


def sum_windows(subject: ScoringSubject, progress: Callable[[int, int], object]) -> WindowSums:
    """Forecast the windows of a split, at most `MAX_WINDOWS` of them, and collect their errors.

    Args:
        subject: model, data and windows.
        progress: called with the number of finished windows, and that of all windows to forecast.
    """
    dataset = subject.dataset
    horizon, targets = dataset.schema.horizon, dataset.targets
    windows = subject.windows.sample(max(1, min(MAX_WINDOWS, MAX_CELLS // (horizon * targets))))
    divisor = error_divisor(dataset)
    errors = WindowErrors(windows, scoring.metric_scale(dataset))
    shape = (len(windows), horizon, targets)
    error, baseline = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
    below, count = np.zeros(len(WQL_QUANTILES)), 0
    inside, counts = {level: np.zeros(horizon) for level in ENDS}, np.zeros(horizon)
    found = False
    for part in window_forecasts(
        windows, subject.model_only, subject.model.bounds, subject.intervals, season=subject.season
    ):
        difference = part.forecast - part.truth
        errors("model", part.batch, np.abs(difference))
        unit = divisor[part.series][:, None]
        error[part.index], baseline[part.index] = difference / unit, (part.baseline - part.truth) / unit
        progress(int(part.index[-1]) + 1, len(windows))
        if not len(part.quantiles):
            continue
        found = True
        by_quantile = dict(zip(SCORED_QUANTILES, part.quantiles, strict=True))
        known = ~np.isnan(part.truth)
        below += [_count_below(part.truth, by_quantile[quantile]) for quantile in WQL_QUANTILES]
        count += int(known.sum())
        counts += known.sum(axis=(0, 2))
        for level, (low, high) in ENDS.items():
            within = (part.truth >= by_quantile[low]) & (part.truth <= by_quantile[high])
            inside[level] += within.sum(axis=(0, 2))
    shares = {str(level): 100 * _ratio(sums, counts) for level, sums in inside.items()} if found else {}
    return WindowSums(
        windows=windows,
        error=error,
        baseline=baseline,
        divisor=divisor,
        below=below / count if count else None,
        inside=shares,
        coverage={str(level): 100 * each.sum() / count for level, each in inside.items()} if count else {},
        chosen=errors.chosen_windows(),
    )


def _count_below(truth: np.ndarray, quantile: np.ndarray) -> float:
    """Return the number of measured values below a quantile, and half of those that equal it.

    Many values equal a quantile where both are at a bound, such as 0. They are neither below nor above it.
    """
    return float((truth < quantile).sum()) + 0.5 * float((truth == quantile).sum())


def error_divisor(dataset: Dataset) -> np.ndarray:
    """Return the units [S, C] of the errors: 1 for one series and target, else the scale of MASE.

    Without a scale of MASE, it is the standard deviation of the training rows.
    """
    scale = scoring.metric_scale(dataset)
    if scale.deviation.size == 1:
        return np.ones((1, 1))
    usable = scale.seasonal_error > 0
    return np.where(usable, scale.seasonal_error, np.nan) if usable.any() else scale.deviation


def errors_by_step(sums: WindowSums) -> Groups:
    """Return the mean absolute error of each step ahead."""
    steps = range(1, sums.error.shape[1] + 1)
    return Groups(
        title="Step ahead",
        labels=tuple(map(str, steps)),
        model=_mean_absolute(sums.error, (0, 2)),
        baseline=_mean_absolute(sums.baseline, (0, 2)),
    )


def errors_by_time(sums: WindowSums) -> tuple[Groups, ...]:
    """Return the errors by hour, weekday and month, as far as the frequency has them."""
    local = _local_times(sums)
    if local is None:
        return ()
    result = []
    for title, labels, keys in time_groups(sums.windows.dataset, local):
        count = len(labels)
        keys = np.broadcast_to(keys[..., None], sums.error.shape)
        model, baseline = (_group_means(np.abs(each), keys, count) for each in (sums.error, sums.baseline))
        known = np.flatnonzero(np.isfinite(model))  # business days have no Sunday
        if len(known) >= MIN_GROUPS:
            shown = tuple(labels[index] for index in known)
            result.append(Groups(title=title, labels=shown, model=model[known], baseline=baseline[known]))
    return tuple(result)


def time_groups(dataset: Dataset, local_us: np.ndarray) -> list[tuple[str, tuple[str, ...], np.ndarray]]:
    """Return title, labels and keys of the groups of times that suit the frequency: two of hour, weekday, month.

    Args:
        dataset: data with times.
        local_us: int64 microseconds on the clock of the file, of any shape.
    """
    step = dataset.schema.step.base
    hour = ("Hour of day", HOURS, local_us // HOUR % 24)
    weekday = ("Weekday", WEEKDAYS, (local_us // DAY + 3) % 7)  # 1970-01-01 was a Thursday
    month = ("Month", MONTHS, local_us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12)
    if step.in_months:
        return [month] if step.count < 12 else []
    if step.kind == "seconds" and step.count < DAY:
        return [hour, weekday] if step.count <= 6 * HOUR else [weekday]
    daily = step.kind == "business" or (step.kind == "seconds" and step.count == DAY)
    return [weekday, month] if daily else [month]


def residuals(sums: WindowSums) -> Residuals | None:
    """Return the distribution of the errors and their course over time; None without a measured value."""
    known = np.isfinite(sums.error)
    values = sums.error[known].astype(np.float64)
    if not len(values):
        return None
    limit = float(np.quantile(np.abs(values), 1 - 2 * TAIL)) or 1.0
    bins = next(bins for least, bins in BINS.items() if len(values) >= least)
    counts, edges = np.histogram(values, bins=bins, range=(-limit, limit))
    x = np.broadcast_to(_window_x(sums)[..., None], sums.error.shape)[known]
    parts = int(np.clip(len(np.unique(x)) // PART_TIMES, 1, MAX_PARTS))
    cuts = np.linspace(x.min(), x.max(), parts + 1)
    part = np.clip(np.searchsorted(cuts, x, side="right") - 1, 0, parts - 1)
    order = np.argsort(part, kind="stable")
    pieces = np.split(values[order], np.searchsorted(part[order], np.arange(1, parts)))
    filled = [index for index, piece in enumerate(pieces) if len(piece)]
    shares = np.array([np.quantile(pieces[index], (0.1, 0.9)) for index in filled])
    return Residuals(
        edges=edges,
        counts=counts,
        outside=int(len(values) - counts.sum()),
        bias=float(values.mean()),
        mean_absolute=float(np.abs(values).mean()),
        x=((cuts[1:] + cuts[:-1]) / 2)[filled],
        mean=np.array([pieces[index].mean() for index in filled]),
        low=shares[:, 0],
        high=shares[:, 1],
    )


def calibration(sums: WindowSums) -> Calibration | None:
    """Return nominal and observed shares; None for a model without quantiles."""
    if sums.below is None:
        return None
    return Calibration(nominal=np.array(WQL_QUANTILES), observed=sums.below, by_step=sums.inside)


def measured_values(dataset: Dataset, series: int, rows: slice) -> np.ndarray:
    """Return the targets [n, C] of rows of the array of all series, in the file's units; NaN where not measured.

    Args:
        dataset: prepared data.
        series: series of the rows.
        rows: rows of the array.
    """
    scaled = np.asarray(dataset.values_scaled[rows])
    values = dataset.scaler.inverse_transform(scaled, series)[:, : dataset.targets]
    return np.where(dataset.measured[rows, : dataset.targets], values, np.nan)


def series_ratios(sums: WindowSums) -> np.ndarray:
    """Return the error of each series [S] divided by that of the baseline; NaN if it is undefined."""
    names = sums.windows.dataset.series.names
    totals = []
    for each in (sums.error, sums.baseline):
        cells = np.abs(each)
        by_window = np.nansum(cells, axis=(1, 2), dtype=np.float64)
        totals.append(np.bincount(sums.windows.series, weights=by_window, minlength=len(names)))
    known = np.isfinite(sums.error).any(axis=(1, 2))
    scored = np.bincount(sums.windows.series[known], minlength=len(names)) > 0
    usable = scored & (totals[1] > 0)
    return np.where(usable, totals[0] / np.where(usable, totals[1], 1.0), np.nan)


def _window_x(sums: WindowSums) -> np.ndarray:
    """Return the x of each step of each window [N, H], as `chart_x` has it."""
    return chart_x(sums.windows.dataset, sums.windows.series, _rows(sums))


def _local_times(sums: WindowSums) -> np.ndarray | None:
    """Return the times [N, H] on the clock of the file; None if the rows have no times."""
    dataset = sums.windows.dataset
    if dataset.schema.time_name is None or dataset.schema.time_format.is_integer:
        return None
    times = row_times(dataset, sums.windows.series, _rows(sums))
    return dataset.schema.time_format.to_file_clock(times.ravel()).reshape(times.shape)


def _rows(sums: WindowSums) -> np.ndarray:
    windows = sums.windows
    first = windows.origins - windows.dataset.series.offset[windows.series]
    return first[:, None] + np.arange(sums.error.shape[1])


def _group_means(values: np.ndarray, keys: np.ndarray, count: int) -> np.ndarray:
    """Return the mean of the known values of each key [count]; NaN without any."""
    known = np.isfinite(values)
    totals = np.bincount(keys[known], weights=values[known], minlength=count)
    return _ratio(totals, np.bincount(keys[known], minlength=count))


def _mean_absolute(error: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    known = np.isfinite(error)
    return _ratio(np.where(known, np.abs(error), 0.0).sum(axis=axes, dtype=np.float64), known.sum(axis=axes))


def _ratio(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
