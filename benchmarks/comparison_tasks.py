"""Tasks of comparison.py: the table, the origins and the true values that every tool gets, and the scores."""

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from command import lstm

from lstm_cli.evaluation.uncertainty import CONFIDENCE, WindowTimes, ratio_of_sums, student_t_quantile

SAMPLES = Path(__file__).parents[1] / "sample_data"
ALONE = "series"  # name of the only series


@dataclass(frozen=True, kw_only=True)
class Task:
    """Data set with a target, a horizon and a distance between the origins."""

    name: str
    title: str
    file: str  # in sample_data
    time: str
    target: str
    series: str = ""  # column; empty: one series
    future: tuple[str, ...] = ()  # known-ahead covariates
    freq: str  # of pandas
    horizon: int
    lookback: int  # rows that the networks of other tools read
    seasons: tuple[int, ...]  # the first one is that of MASE
    stride: int  # steps between two origins

    def options(self) -> list[str]:
        """Return the options of `lstm prepare`."""
        words = ["--target", self.target, "--horizon", str(self.horizon)]
        words += ["--series", self.series] if self.series else []
        return [*words, *(word for name in self.future for word in ("--future", name))]


TASKS = (
    Task(
        name="hourly", title="Hourly: ETTh1, 24 hours of OT", file="ETTh1.csv", time="date", target="OT",
        freq="h", horizon=24, lookback=168, seasons=(24, 168), stride=49,
    ),
    Task(
        name="panel", title="Panel: daily sales of six shops, 14 days", file="panel.csv", time="date",
        target="sales", series="shop", future=("promo",), freq="D", horizon=14, lookback=28, seasons=(7,), stride=7,
    ),
    Task(
        name="monthly", title="Monthly: visitors, 144 rows, 12 months", file="monthly.csv", time="month",
        target="visitors", freq="ME", horizon=12, lookback=24, seasons=(12,), stride=1,
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Forecast of one series from one origin, each array [H]; the 80 % interval is None if there is none."""

    point: np.ndarray
    low: np.ndarray | None
    high: np.ndarray | None


Forecasts = Mapping[tuple[str, int], Forecast]  # by series and origin


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Forecasts of one model, and what they cost."""

    forecasts: Forecasts
    seconds: float  # CPU seconds of the whole process
    trained: float | None  # CPU seconds to the end of the training; None: trained for each forecast

    def write(self, file: Path) -> None:
        """Write all of it as JSON."""
        windows = {
            f"{name}@{origin}": {
                key: values.tolist()
                for key, values in (("forecast", made.point), ("low", made.low), ("high", made.high))
                if values is not None
            }
            for (name, origin), made in self.forecasts.items()
        }
        texts = {"seconds": self.seconds, "trained": self.trained, "windows": windows}
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(texts))


def read_measured(file: Path) -> Measured:
    """Return what `Measured.write` wrote. The seconds are 0 if they are missing, as in the file of a worker."""
    texts = json.loads(file.read_text())
    made = {}
    for window, values in texts["windows"].items():
        name, _, origin = window.rpartition("@")
        arrays = {key: np.array(numbers) for key, numbers in values.items()}
        made[name, int(origin)] = Forecast(
            point=arrays["forecast"], low=arrays.get("low"), high=arrays.get("high")
        )
    return Measured(forecasts=made, seconds=texts.get("seconds", 0.0), trained=texts["trained"])


class Prepared:
    """Task with its run directory, its rows on a complete grid of times, and its origins."""

    def __init__(self, task: Task, folder: Path) -> None:
        """Run `lstm prepare`, so that all tools use its split.

        Args:
            task: task to prepare.
            folder: folder of the run and of all files of the task.
        """
        self.task, self.folder, self.run_dir = task, folder, str(folder / "run")
        report, _ = lstm("prepare", str(self.source), self.run_dir, *task.options())
        self._test, self._val = (report["split_rows"][name] // report["series"] for name in ("test", "val"))

    @property
    def source(self) -> Path:
        """File of the data."""
        return SAMPLES / self.task.file

    @cached_property
    def rows(self) -> dict[str, pd.DataFrame]:
        """Rows by series, on a complete grid of times, with the columns value and the known-ahead covariates."""
        task = self.task
        table = pd.read_csv(self.source, parse_dates=[task.time]).rename(columns={task.target: "value"})
        table = (
            table.assign(series=ALONE) if not task.series else table.rename(columns={task.series: "series"})
        )
        result = {}
        for name, part in table.groupby("series"):
            part = part.set_index(task.time)[["value", *task.future]]
            grid = pd.date_range(part.index[0], part.index[-1], freq=task.freq)
            result[str(name)] = part.reindex(grid)
        return result

    @cached_property
    def times(self) -> pd.DatetimeIndex:
        """Times from the first row of any series to the last measured value."""
        last = max(rows["value"].last_valid_index() for rows in self.rows.values())
        return pd.date_range(min(rows.index[0] for rows in self.rows.values()), last, freq=self.task.freq)

    @property
    def origins(self) -> list[int]:
        """Rows of `times` before which all values are known: those of every `stride`-th test window."""
        first, count = len(self.times) - self._test, self._test - self.task.horizon + 1
        return list(range(first, first + count, self.task.stride))

    def filled(self) -> pd.DataFrame:
        """Return all rows as a table series, time, value and covariates, with straight lines in the gaps.

        The other tools get this table, because some of them refuse gaps.
        """
        parts = []
        for name, rows in self.rows.items():
            value = rows["value"].interpolate(limit_area="inside")
            ahead = rows[list(self.task.future)].ffill()
            parts.append(ahead.assign(series=name, value=value).rename_axis("time").reset_index())
        return pd.concat(parts)[["series", "time", "value", *self.task.future]]

    def write_job(self) -> Path:
        """Write the table and the job of the other tools. Return the file of the job."""
        file, job = self.folder / "table.csv", self.folder / "job.json"
        self.filled().to_csv(file, index=False)
        first = self.origins[0]
        texts = {
            "file": str(file), "freq": self.task.freq, "horizon": self.task.horizon,
            "lookback": self.task.lookback,
            "seasons": self.task.seasons, "future": self.task.future,
            "fitted_until": str(self.times[first - 1]),
            "validated_from": str(self.times[first - self._val]),
            "origins": {row: str(self.times[row - 1]) for row in self.origins},
        }  # fmt: skip
        job.write_text(json.dumps(texts))
        return job

    def write_known(self, origin: int) -> Path:
        """Write the file of the data without its values after an origin. Return the file.

        Args:
            origin: row of `times`.
        """
        file, task = self.folder / "known.csv", self.task
        kept = {task.time, task.series, *task.future}
        end = pd.Timestamp(self.times[origin - 1])
        last = pd.date_range(end, periods=task.horizon + 1, freq=task.freq)[-1] if task.future else end
        with self.source.open(newline="") as opened, file.open("w", newline="") as written:
            lines = csv.DictReader(opened)
            writer = csv.DictWriter(written, lines.fieldnames or [])
            writer.writeheader()
            for line in lines:
                time = pd.Timestamp(line[task.time])
                if time <= end:
                    writer.writerow(line)
                elif time <= last:
                    writer.writerow({name: text if name in kept else "" for name, text in line.items()})
        return file

    def truth(self, series: str, origin: int) -> np.ndarray:
        """Return the true values [H] after an origin, NaN where nothing was measured."""
        ahead = self.times[origin : origin + self.task.horizon]
        return self.rows[series]["value"].reindex(ahead).to_numpy()

    def seasonal_error(self, series: str) -> float:
        """Return the mean error of the seasonal naive forecast on the training rows, as in `lstm evaluate`."""
        end = self.times[self.origins[0] - self._val - 1]
        known = self.rows[series]["value"][:end].to_numpy()
        season = self.task.seasons[0]
        return float(np.nanmean(np.abs(known[season:] - known[:-season])))

    def seasonal_naive(self) -> Forecasts:
        """Return the seasonal naive forecasts, without intervals."""
        table = self.filled().set_index(["series", "time"])["value"]
        season, result = self.task.seasons[0], {}
        for name in self.rows:
            for origin in self.origins:
                last = table[name].reindex(self.times[origin - season : origin]).to_numpy()
                result[name, origin] = Forecast(point=np.resize(last, self.task.horizon), low=None, high=None)
        return result


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores of the forecasts of one tool."""

    mae: float
    mase: float  # mean over series
    coverage: float | None  # of the 80 % interval, in percent
    by_origin: np.ndarray  # [origins] share of each origin in MASE


def score(prepared: Prepared, forecasts: Forecasts) -> Scores:
    """Return the scores over the measured values of all series and origins.

    Raises:
        ValueError: a forecast is missing, or its length is wrong.
    """
    errors, inside, counted = [], [], 0
    by_origin = np.zeros(len(prepared.origins))
    for name in prepared.rows:
        scale = prepared.seasonal_error(name)
        own = []
        for origin in prepared.origins:
            truth, made = prepared.truth(name, origin), forecasts.get((name, origin))
            if made is None or made.point.shape != truth.shape or not np.isfinite(made.point).all():
                raise ValueError(f"no complete forecast of {name} from row {origin}")
            measured = np.isfinite(truth)
            own.append(np.abs(truth - made.point)[measured])
            if made.low is not None and made.high is not None:
                inside.append(((made.low <= truth) & (truth <= made.high))[measured])
        count = sum(len(each) for each in own)
        counted += count
        by_origin += np.array([each.sum() for each in own]) / (count * scale * len(prepared.rows))
        errors += own
    return Scores(
        mae=float(np.concatenate(errors).mean()),
        mase=float(by_origin.sum()),
        coverage=100 * float(np.concatenate(inside).mean()) if inside else None,
        by_origin=by_origin,
    )


def difference(prepared: Prepared, own: Scores, other: Scores) -> tuple[float, float, float]:
    """Return by how many percent the MASE of lstm is lower, with a 90 % interval, as `lstm evaluate` does.

    Args:
        prepared: task of both.
        own: scores of lstm.
        other: scores of the other tool.
    """
    count, stride, horizon = len(own.by_origin), prepared.task.stride, prepared.task.horizon
    apart = math.ceil(horizon / stride)  # origins whose windows overlap
    moments = WindowTimes(
        moment=np.arange(count),
        count=count,
        disjoint=math.ceil(count / apart),
        horizon=max(1.0, horizon / stride),
    )
    ratio, error, freedom = ratio_of_sums(own.by_origin, other.by_origin, moments)
    margin = student_t_quantile(0.5 + CONFIDENCE / 2, freedom) * error
    return 100 * (1 - ratio), 100 * (1 - ratio - margin), 100 * (1 - ratio + margin)
