"""Job of comparison.py for one tool: the table, the origins, and the file of the forecasts."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9  # quantiles of the forecast and its 80 % interval


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of the processes that it waited for."""
    return sum(os.times()[:4])


@dataclass(frozen=True, kw_only=True)
class Job:
    """Table and origins. A forecast may use all rows up to its origin, a training those up to `fitted_until`."""

    table: pd.DataFrame  # series, time, value, known-ahead covariates; without gaps
    freq: str
    horizon: int
    lookback: int  # rows that a network reads
    seasons: list[int]
    future: list[str]  # known-ahead covariates
    fitted_until: pd.Timestamp
    validated_from: pd.Timestamp  # first of the validation rows, which end at `fitted_until`
    origins: dict[str, pd.Timestamp]  # last known time, by the name of the origin

    def training(self) -> pd.DataFrame:
        """Return the rows that a training may use."""
        return self.table[self.table["time"] <= self.fitted_until]

    def windows(self) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
        """Yield for each series and origin its name, the known rows, and the times and covariates to forecast."""
        for origin, end in self.origins.items():
            ahead = pd.date_range(end, periods=self.horizon + 1, freq=self.freq)[1:]
            for name, rows in self.table.groupby("series"):
                after = rows.set_index("time").reindex(ahead)[self.future].rename_axis("time").reset_index()
                yield f"{name}@{origin}", rows[rows["time"] <= end], after

    def known(self, longest: int | None = None) -> pd.DataFrame:
        """Return the known rows of all windows. The column series has the name of the window.

        Args:
            longest: number of last rows of each window; None: all.
        """
        parts = [rows.tail(longest or len(rows)).assign(series=name) for name, rows, _ in self.windows()]
        return pd.concat(parts, ignore_index=True)

    def ahead(self) -> pd.DataFrame:
        """Return the times and covariates after each window. The column series has the name of the window."""
        parts = [after.assign(series=name) for name, _, after in self.windows()]
        return pd.concat(parts, ignore_index=True)


Made = dict[str, dict[str, list[float]]]  # forecast, low and high of each window
Tool = Callable[[Job, Callable[[], None]], Made]  # calls the function when the training is done


def columns(table: pd.DataFrame, series: str, names: dict[str, str]) -> Made:
    """Return the forecasts in the columns of a table.

    Args:
        table: a row for each window and step.
        series: column with the name of the window.
        names: columns of forecast, low and high.
    """
    return {
        str(name): {key: rows[column].tolist() for key, column in names.items()}
        for name, rows in table.groupby(series)
    }


def main(tools: dict[str, Tool]) -> None:
    """Read the job of the first argument, run the tool of the third, and write its forecasts to the second."""
    job_file, written, name = sys.argv[1:]
    texts = json.loads(Path(job_file).read_text())
    times = {key: pd.Timestamp(texts.pop(key)) for key in ("fitted_until", "validated_from")}
    origins = {key: pd.Timestamp(time) for key, time in texts.pop("origins").items()}
    table = pd.read_csv(texts.pop("file"), parse_dates=["time"])
    job = Job(table=table, origins=origins, **times, **texts)
    trained: list[float] = []
    made = tools[name](job, lambda: trained.append(cpu_seconds()))
    Path(written).write_text(json.dumps({"trained": trained[0] if trained else None, "windows": made}))
