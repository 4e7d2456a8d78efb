"""Files and scores of the M4 competition, as it defines them.

Source: Makridakis, Spiliotis, Assimakopoulos: The M4 Competition: 100,000 time series and 61 forecasting methods,
International Journal of Forecasting 36, 2020.
"""

import csv
import datetime
from pathlib import Path

import numpy as np

SEASON = 24  # steps; M4 uses one season for hourly data
NAIVE2 = {"smape": 18.383, "mase": 2.395}  # published hourly scores

# The times are invented: hourly, so the seasons are a day and a week. All series end at the same hour, because
# `lstm prepare` splits a panel at one time, and `lstm predict` leaves out series that ended before the others. The hour
# of the day has no effect, because a season is only a number of steps.
LAST = datetime.datetime(2001, 12, 31, 23)


def read_wide(file: Path) -> dict[str, list[str]]:
    """Return the series by name, one in each line. Empty cells at the end of a line belong to shorter series."""
    with file.open(newline="") as opened:
        lines = csv.reader(opened)
        next(lines)
        return {name: [cell for cell in cells if cell not in ("", "NA")] for name, *cells in lines}


def write_long(wide: dict[str, list[str]], file: Path) -> None:
    """Write the table `series,time,value` for `lstm prepare --series series`."""
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("series", "time", "value"))
        for name, cells in wide.items():
            for back, cell in zip(reversed(range(len(cells))), cells, strict=True):
                writer.writerow((name, LAST - datetime.timedelta(hours=back), cell))


def read_forecast(file: Path, column: str = "value") -> dict[str, np.ndarray]:
    """Return a column of a forecast file: the steps of each series in the order of time."""
    result: dict[str, list[tuple[str, float]]] = {}
    with file.open(newline="") as opened:
        for line in csv.DictReader(opened):
            result.setdefault(line["series"], []).append((line["time"], float(line[column])))
    return {name: np.array([value for _, value in sorted(rows)]) for name, rows in result.items()}


def coverage(truth: dict[str, np.ndarray], file: Path, level: int) -> float:
    """Return the percentage of true values inside the interval.

    Args:
        truth: true values of each series.
        file: forecast file.
        level: level of the interval, 80 or 95.
    """
    low, high = (read_forecast(file, f"value_{side}{level}") for side in ("lo", "hi"))
    inside = [(low[name] <= values) & (values <= high[name]) for name, values in truth.items()]
    return 100 * float(np.mean(np.concatenate(inside)))


def smape(truth: np.ndarray, forecast: np.ndarray) -> float:
    """Return the symmetric mean absolute percentage error of one series, 0 to 200. Both arrays are [H]."""
    return float(np.mean(200 * np.abs(truth - forecast) / (np.abs(truth) + np.abs(forecast))))


def mase(truth: np.ndarray, forecast: np.ndarray, training: np.ndarray, season: int = SEASON) -> float:
    """Return the mean absolute error divided by that of the seasonal naive forecast in the training rows.

    Args:
        truth: true values [H].
        forecast: forecast [H].
        training: training rows [T].
        season: season in steps.
    """
    scale = np.mean(np.abs(training[season:] - training[:-season]))
    return float(np.mean(np.abs(truth - forecast)) / scale)


def scores(
    training: dict[str, np.ndarray], truth: dict[str, np.ndarray], forecast: dict[str, np.ndarray]
) -> dict[str, float]:
    """Return sMAPE and MASE (means over series), and OWA (their mean relative to the published Naive2).

    Args:
        training: training rows of each series.
        truth: true values of each series.
        forecast: forecast of each series.

    Raises:
        ValueError: a series has no forecast, or its length is wrong.
    """
    for name, values in truth.items():
        if len(forecast.get(name, ())) != len(values):
            raise ValueError(
                f"series {name}: {len(forecast.get(name, ()))} forecast steps, expected {len(values)}"
            )
    smapes = [smape(truth[name], forecast[name]) for name in truth]
    mases = [mase(truth[name], forecast[name], training[name]) for name in truth]
    result = {"smape": float(np.mean(smapes)), "mase": float(np.mean(mases))}
    return {**result, "owa": (result["smape"] / NAIVE2["smape"] + result["mase"] / NAIVE2["mase"]) / 2}


def is_seasonal(training: np.ndarray, season: int) -> bool:
    """Return whether the autocorrelation at the season is outside its 90 % limits, the test of the competition."""
    if len(training) < 3 * season:
        return False
    rest = training - training.mean()
    known = np.array([np.sum(rest[lag:] * rest[: len(rest) - lag]) for lag in range(season + 1)]) / np.sum(
        rest**2
    )
    limit = 1.645 * np.sqrt((1 + 2 * np.sum(known[1:season] ** 2)) / len(training))
    return bool(abs(known[season]) > limit)


def seasonal_factors(training: np.ndarray, season: int) -> np.ndarray:
    """Return factors [season] with mean 1 by classical multiplicative decomposition. The season must be even."""
    weights = np.r_[0.5, np.ones(season - 1), 0.5] / season
    trend = np.convolve(training, weights, mode="valid")
    ratio = training[season // 2 : season // 2 + len(trend)] / trend
    phase = (np.arange(len(trend)) + season // 2) % season
    factors = np.array([ratio[phase == item].mean() for item in range(season)])
    return factors / factors.mean()


def naive2(training: np.ndarray, horizon: int, season: int = SEASON) -> np.ndarray:
    """Return the Naive2 forecast [H]: the last value, seasonally adjusted if the series is seasonal.

    Args:
        training: training rows [T].
        horizon: steps ahead H.
        season: season in steps.
    """
    if not is_seasonal(training, season):
        return np.full(horizon, training[-1])
    factors = seasonal_factors(training, season)
    steps = np.arange(len(training) - 1, len(training) + horizon) % season
    return training[-1] / factors[steps[0]] * factors[steps[1:]]
