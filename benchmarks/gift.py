"""Data sets, windows, scores and published figures of GIFT-Eval.

Source: Aksu et al.: GIFT-Eval: A Benchmark for General Time Series Forecasting Model Evaluation, arXiv 2410.10393,
2024. The published figures are those of its leaderboard.
"""

import csv
import datetime
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import m4
import numpy as np
from on_etth1 import CHANNELS

PROBABILITIES = tuple(tenth / 10 for tenth in range(1, 10))
LEVELS = (80, 95)
MOST_WINDOWS = 20
HOURS = {"day": 24, "week": 168}


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """Data set at one horizon."""

    name: str
    title: str
    published: str  # its name in gift_eval.csv
    horizon: int  # steps
    season: int  # steps; 1: the seasonal naive forecast is the naive one
    mean_of: str = ""  # "day" or "week": means of ETTh1; empty: the rows as they are


DATA_SETS = (
    DataSet(name="etth1_48", title="ETTh1, 48 hours", published="ett1/H/short", horizon=48, season=24),
    DataSet(name="etth1_480", title="ETTh1, 480 hours", published="ett1/H/medium", horizon=480, season=24),
    DataSet(name="etth1_720", title="ETTh1, 720 hours", published="ett1/H/long", horizon=720, season=24),
    DataSet(
        name="etth1_daily", title="ETTh1, 30 days", published="ett1/D/short", horizon=30, season=1,
        mean_of="day",
    ),
    DataSet(
        name="etth1_weekly", title="ETTh1, 8 weeks", published="ett1/W/short", horizon=8, season=1,
        mean_of="week",
    ),
    DataSet(
        name="m4_hourly", title="M4 hourly, 48 hours", published="m4_hourly/H/short", horizon=48,
        season=m4.SEASON,
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Table:
    """Times and values of all channels."""

    times: list[str]
    values: np.ndarray  # [T, channels]


def read_etth1(file: Path) -> Table:
    """Return all rows of ETTh1.csv."""
    with file.open(newline="") as opened:
        lines = list(csv.DictReader(opened))
    values = np.array([[float(line[channel]) for channel in CHANNELS] for line in lines])
    return Table(times=[line["date"] for line in lines], values=values)


def means(hourly: Table, period: str) -> Table:
    """Return the means of calendar days, or of weeks that begin on the weekday of the first complete day.

    Incomplete days at both ends and an incomplete last week are left out. ETTh1 then has 725 days, and 103 weeks that
    begin on a Friday. With these weeks, the naive forecast has nearly its published MASE (1.7705, published 1.7689);
    with weeks that begin on a Monday it has 1.46. A mean has the date of the last day of its period.

    Args:
        hourly: table of all hours, without a gap.
        period: "day" or "week".
    """
    times = [datetime.datetime.fromisoformat(time) for time in hourly.times]
    skipped = -times[0].hour % HOURS["day"]
    count = (len(times) - skipped) // HOURS[period]
    values = hourly.values[skipped : skipped + count * HOURS[period]]
    ends = times[skipped + HOURS[period] - 1 :: HOURS[period]]
    return Table(
        times=[f"{time:%Y-%m-%d}" for time in ends],
        values=values.reshape(count, HOURS[period], -1).mean(axis=1),
    )


def write(table: Table, rows: int, file: Path) -> None:
    """Write the first rows as a CSV file with the columns date and CHANNELS."""
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("date", *CHANNELS))
        pairs = zip(table.times, table.values.tolist(), strict=True)
        writer.writerows((time, *values) for time, values in itertools.islice(pairs, rows))


def origins(rows: int, horizon: int) -> list[int]:
    """Return the number of known rows at each origin: windows at the end that do not overlap.

    Args:
        rows: rows of the data set T.
        horizon: steps ahead H. There are min(20, ceil(.1 T / H)) windows.
    """
    windows = min(MOST_WINDOWS, -(-rows // (10 * horizon)))
    return [rows - horizon * back for back in range(windows, 0, -1)]


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Forecast of one channel, or one series, at one origin."""

    known: np.ndarray  # [T] values before the origin
    truth: np.ndarray  # [H]
    point: np.ndarray  # [H]
    quantiles: np.ndarray  # [9, H] at PROBABILITIES
    intervals: dict[int, np.ndarray]  # by level: both ends [2, H]


Columns = Callable[[str], dict[str, np.ndarray]]  # suffix such as "_q10": [H] of each channel


def forecast_columns(file: Path) -> Columns:
    """Return a reader of the columns with one suffix, by channel, from a forecast of ETTh1."""
    with file.open(newline="") as opened:
        lines = list(csv.DictReader(opened))

    def columns(suffix: str) -> dict[str, np.ndarray]:
        return {name: np.array([float(line[f"{name}{suffix}"]) for line in lines]) for name in CHANNELS}

    return columns


def panel_columns(file: Path) -> Columns:
    """Return a reader of the columns with one suffix, by series, from a forecast of M4."""
    return lambda suffix: m4.read_forecast(file, f"value{suffix}")


def quantile_columns(columns: Columns) -> dict[str, np.ndarray]:
    """Return the quantiles [9, H] of each channel, from the columns such as OT_q10."""
    parts = [columns(f"_q{100 * probability:g}") for probability in PROBABILITIES]
    return {name: np.stack([part[name] for part in parts]) for name in parts[0]}


def forecasts(
    known: dict[str, np.ndarray], truth: dict[str, np.ndarray], columns: Columns
) -> Iterator[Forecast]:
    """Yield the forecast of each channel.

    Args:
        known: values before the origin, by channel.
        truth: true values [H], by channel.
        columns: reader of the forecast file.

    Raises:
        ValueError: a channel has no forecast, or its length is wrong.
    """
    point, quantiles = columns(""), quantile_columns(columns)
    ends = {level: (columns(f"_lo{level}"), columns(f"_hi{level}")) for level in LEVELS}
    for name, values in truth.items():
        if len(point.get(name, ())) != len(values):
            raise ValueError(f"{name}: {len(point.get(name, ()))} forecast steps, expected {len(values)}")
        yield Forecast(
            known=known[name],
            truth=values,
            point=point[name],
            quantiles=quantiles[name],
            intervals={level: np.stack([low[name], high[name]]) for level, (low, high) in ends.items()},
        )


def seasonal_naive(
    known: dict[str, np.ndarray], truth: dict[str, np.ndarray], season: int
) -> Iterator[Forecast]:
    """Yield the seasonal naive forecast of each channel. All its quantiles are equal, and it has no intervals.

    Args:
        known: values before the origin, by channel.
        truth: true values [H], by channel.
        season: season in steps.
    """
    for name, values in truth.items():
        point = np.resize(known[name][-season:], len(values))
        quantiles = np.tile(point, (len(PROBABILITIES), 1))
        yield Forecast(known=known[name], truth=values, point=point, quantiles=quantiles, intervals={})


def weighted_quantile_loss(truth: np.ndarray, quantiles: np.ndarray) -> float:
    """Return the mean over PROBABILITIES of twice the summed pinball loss over the sum of |truth|.

    Args:
        truth: true values [N].
        quantiles: their forecasts [9, N].
    """
    error = truth - quantiles
    chance = np.array(PROBABILITIES)[:, None]
    pinball = np.maximum(chance * error, (chance - 1) * error)
    return float(2 * pinball.sum(axis=1).mean() / np.abs(truth).sum())


def scores(made: list[Forecast], season: int) -> dict[str, float]:
    """Return MASE (mean over channels and windows) and WQL (over all their steps).

    Args:
        made: forecasts of all channels and windows.
        season: season in steps of the error that divides in MASE.
    """
    mases = [m4.mase(item.truth, item.point, item.known, season) for item in made]
    truth = np.concatenate([item.truth for item in made])
    quantiles = np.concatenate([item.quantiles for item in made], axis=1)
    return {"mase": float(np.mean(mases)), "wql": weighted_quantile_loss(truth, quantiles)}


def coverage(made: list[Forecast], level: int) -> float:
    """Return the percentage of true values inside the interval of a level, 80 or 95."""
    inside = [
        (item.intervals[level][0] <= item.truth) & (item.truth <= item.intervals[level][1]) for item in made
    ]
    return 100 * float(np.mean(np.concatenate(inside)))


@dataclass(frozen=True, kw_only=True)
class Published:
    """Published figures of one model on one data set."""

    model: str
    kind: str  # statistical, pretrained, fine-tuned, trained on the data set
    mase: float
    wql: float


SEASONAL_NAIVE = "seasonal_naive"
COMPARED = ("chronos-2", "TiRex", "TimesFM-2.5")


def published(file: Path, data_set: DataSet) -> list[Published]:
    """Return all published figures of a data set from gift_eval.csv."""
    with file.open(newline="") as opened:
        return [
            Published(
                model=line["model"], kind=line["kind"], mase=float(line["mase"]), wql=float(line["wql"])
            )
            for line in csv.DictReader(opened)
            if line["dataset"] == data_set.published
        ]


def selected(rows: list[Published]) -> dict[str, Published]:
    """Return figures by label: COMPARED, and for two kinds of model the best by MASE and the best by WQL."""
    best = [
        (min((row for row in rows if row.kind == kind), key=lambda row: getattr(row, score)), score)
        for kind in ("pretrained", "trained on the data set")
        for score in ("mase", "wql")
    ]
    compared = [row for name in COMPARED for row in rows if row.model == name]
    result = {}
    for row in dict.fromkeys([*compared, *(row for row, _ in best)]):
        wins = [f"best {score.upper()}" for winner, score in best if winner is row]
        result[", ".join([row.model, row.kind, *wins])] = row
    return result
