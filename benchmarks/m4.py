"""M4's files and scores, as the competition defines them (Makridakis, Spiliotis, Assimakopoulos: The M4 Competition:
100,000 time series and 61 forecasting methods, International Journal of Forecasting 36, 2020)."""

import csv
import datetime
from pathlib import Path

import numpy as np

SEASON = 24  # steps; M4 counts one season of hourly data
NAIVE2 = {"smape": 18.383, "mase": 2.395}  # its hourly scores, as the competition prints them

# The competition gives no times that matter. The invented ones make the step an hour, with a day and a week as its
# seasons. All series end at the same hour: `lstm prepare` splits a panel at one time, and `lstm predict` leaves out
# series that ended before the others. The hour of day means nothing, since a season is only a number of steps.
LAST = datetime.datetime(2001, 12, 31, 23)


def read_wide(file: Path) -> dict[str, list[str]]:
    """Series by name, one a line, as the file writes the numbers; empty cells at the end belong to shorter series."""
    with file.open(newline="") as opened:
        lines = csv.reader(opened)
        next(lines)
        return {name: [cell for cell in cells if cell not in ("", "NA")] for name, *cells in lines}


def write_long(wide: dict[str, list[str]], file: Path) -> None:
    """The table `series,time,value` that `lstm prepare --series series` reads."""
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("series", "time", "value"))
        for name, cells in wide.items():
            for back, cell in zip(reversed(range(len(cells))), cells, strict=True):
                writer.writerow((name, LAST - datetime.timedelta(hours=back), cell))


def read_forecast(file: Path, column: str = "value") -> dict[str, np.ndarray]:
    """A column of what `lstm predict -o FILE` wrote: the steps of each series in the order of time."""
    found: dict[str, list[tuple[str, float]]] = {}
    with file.open(newline="") as opened:
        for line in csv.DictReader(opened):
            found.setdefault(line["series"], []).append((line["time"], float(line[column])))
    return {name: np.array([value for _, value in sorted(rows)]) for name, rows in found.items()}


def coverage(truth: dict[str, np.ndarray], file: Path, level: int) -> float:
    """Percent of all true values that lie within the forecast's interval of this level."""
    low, high = (read_forecast(file, f"value_{side}{level}") for side in ("lo", "hi"))
    inside = [(low[name] <= values) & (values <= high[name]) for name, values in truth.items()]
    return 100 * float(np.mean(np.concatenate(inside)))


def smape(truth: np.ndarray, forecast: np.ndarray) -> float:
    """Symmetric mean absolute percentage error of one series, 0 to 200. Both [H]."""
    return float(np.mean(200 * np.abs(truth - forecast) / (np.abs(truth) + np.abs(forecast))))


def mase(truth: np.ndarray, forecast: np.ndarray, training: np.ndarray, season: int = SEASON) -> float:
    """Mean absolute error over that of the seasonal naive forecast inside the training rows [T]."""
    scale = np.mean(np.abs(training[season:] - training[:-season]))
    return float(np.mean(np.abs(truth - forecast)) / scale)


def scores(
    training: dict[str, np.ndarray], truth: dict[str, np.ndarray], forecast: dict[str, np.ndarray]
) -> dict[str, float]:
    """sMAPE, MASE (means over series) and OWA, their mean relative to the published Naive2.

    Raises ValueError where a series has no forecast or one of another length.
    """
    for name, values in truth.items():
        if len(forecast.get(name, ())) != len(values):
            raise ValueError(f"series {name}: {len(forecast.get(name, ()))} steps for {len(values)}")
    smapes = [smape(truth[name], forecast[name]) for name in truth]
    mases = [mase(truth[name], forecast[name], training[name]) for name in truth]
    found = {"smape": float(np.mean(smapes)), "mase": float(np.mean(mases))}
    return {**found, "owa": (found["smape"] / NAIVE2["smape"] + found["mase"] / NAIVE2["mase"]) / 2}


def is_seasonal(training: np.ndarray, season: int) -> bool:
    """The competition's test: the autocorrelation at the season beyond its 90 % limits."""
    if len(training) < 3 * season:
        return False
    rest = training - training.mean()
    known = np.array([np.sum(rest[lag:] * rest[: len(rest) - lag]) for lag in range(season + 1)]) / np.sum(
        rest**2
    )
    limit = 1.645 * np.sqrt((1 + 2 * np.sum(known[1:season] ** 2)) / len(training))
    return bool(abs(known[season]) > limit)


def seasonal_factors(training: np.ndarray, season: int) -> np.ndarray:
    """Of an even season, by classical multiplicative decomposition: one factor a step of it [season], mean 1."""
    weights = np.r_[0.5, np.ones(season - 1), 0.5] / season
    trend = np.convolve(training, weights, mode="valid")
    ratio = training[season // 2 : season // 2 + len(trend)] / trend
    phase = (np.arange(len(trend)) + season // 2) % season
    factors = np.array([ratio[phase == one].mean() for one in range(season)])
    return factors / factors.mean()


def naive2(training: np.ndarray, horizon: int, season: int = SEASON) -> np.ndarray:
    """The competition's yardstick: the last value, deseasonalised where the series is seasonal. [H]"""
    if not is_seasonal(training, season):
        return np.full(horizon, training[-1])
    factors = seasonal_factors(training, season)
    steps = np.arange(len(training) - 1, len(training) + horizon) % season
    return training[-1] / factors[steps[0]] * factors[steps[1:]]
