"""Which columns are read: those that are named, and the defaults for --time and --target."""

from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import normalize

import numpy as np

from lstm_cli.data.cells import named
from lstm_cli.data.default_columns import (
    default_target,
    default_time,
    listed,
    named_twice,
    other_delimiter,
    reads_as_times,
)
from lstm_cli.data.formulas import bare_text
from lstm_cli.data.suspicions import refuse_divided_times, tell_thousands
from lstm_cli.errors import DataError

SAMPLE = 5_000  # first rows whose text says what the columns hold
_COMPARED = 200  # so much of a name is compared to find the nearest one


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The columns a person named; empty or None: not named."""

    targets: tuple[str, ...]
    past: tuple[str, ...]
    future: tuple[str, ...]
    time: str | None
    series: str | None
    by_model: bool = False  # a model needs these columns: no flag may name others


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The columns to read, as numbers of columns counted from 0."""

    time: int | None
    series: int | None
    targets: tuple[int, ...]
    past: tuple[int, ...]
    future: tuple[int, ...]
    warnings: tuple[str, ...]

    @property
    def numeric(self) -> tuple[int, ...]:
        return self.targets + self.past + self.future


def column_names(header: Sequence[str]) -> list[str]:
    """A header's names, with 'column 3' for one without a name, and a formula's apostrophe taken off."""
    return [bare_text(name) or f"column {place}" for place, name in enumerate(header, start=1)]


def choose_columns(
    source: str,
    names: Sequence[str],
    sample: Sequence[Sequence[str]],
    asked: Asked,
    *,
    delimiter: str = "",
    whole: bool = True,
) -> Chosen:
    """Settle which columns are read. sample: the text cells of each column's first rows; whole: those are all.

    Raises DataError for a name that is not there or stands twice, where no default can be settled, and where
    the times stand in several columns.
    """

    def find(flag: str, name: str) -> int:
        return _find(source, names, "" if asked.by_model else flag, name)

    columns = {
        "targets": tuple(find("--target", name) for name in asked.targets),
        "past": tuple(find("--past", name) for name in asked.past),
        "future": tuple(find("--future", name) for name in asked.future),
    }
    series = find("--series", asked.series) if asked.series is not None else None
    taken = {index for indices in columns.values() for index in indices} | ({series} - {None})
    free = [index for index in range(len(names)) if index not in taken]
    warnings: list[str] = []
    groups = np.unique(list(sample[series]), return_inverse=True)[1] if series is not None else None
    if asked.time is not None:
        time: int | None = find("--time", asked.time)
    else:
        time = default_time(source, names, sample, free, groups, warnings, bool(asked.targets))
    if time is None and series is not None and reads_as_times(sample[series]):
        raise DataError(
            f"{source}: column {named(names[series])} (--series) reads as times, and no other does",
            hint=f"--time {named(names[series])}; --series names a column that tells several series apart",
        )
    if not columns["targets"]:
        free = [index for index in free if index != time]
        columns["targets"] = (default_target(source, names, sample, free, whole),)
    used = [
        *columns["targets"],
        *columns["past"],
        *columns["future"],
        *(i for i in (time, series) if i is not None),
    ]
    for index in sorted(used):
        if list(names).count(names[index]) > 1:
            raise named_twice(source, names, names[index])
    if time is not None:
        refuse_divided_times(source, names, sample, time, groups)
    for index in sorted(set(used) - {time, series}):
        told = tell_thousands(sample[index], delimiter, f"{source}, column {named(names[index])}")
        warnings.extend(told)
    return Chosen(time=time, series=series, warnings=tuple(warnings), **columns)


def _find(source: str, names: Sequence[str], flag: str, name: str) -> int:
    """The column of that name; `flag` asked for it, or a model where that is empty.

    Letters that are put together of others in the one (NFD) and not in the other (NFC) are the same.
    """
    name = name.strip()
    places = [index for index, known in enumerate(names) if known == name]
    if not places and not name.isascii():
        bare = normalize("NFC", name)
        places = [index for index, known in enumerate(names) if normalize("NFC", known) == bare]
    if len(places) == 1:
        return places[0]
    if places:
        raise named_twice(source, names, names[places[0]])
    import difflib

    lower: dict[str, str] = {}
    for known in names:
        lower.setdefault(known.lower()[:_COMPARED], known)
    close = difflib.get_close_matches(name.lower()[:_COMPARED], list(lower), n=1, cutoff=0.5)
    nearest = named(lower[close[0]]) if close else ""
    if not flag:
        hint = f"is it {nearest}? name it as in training" if nearest else "name the columns as in training"
        hint = other_delimiter(names) or hint
        raise DataError(
            f"{source} has no column {named(name)}, which the model needs; its columns are {listed(names)}",
            hint=hint,
        )
    hint = f"{flag} {nearest} is the nearest name" if nearest else "names are read as the header writes them"
    raise DataError(
        f"{source} has no column {named(name)} ({flag}); its columns are {listed(names)}", hint=hint
    )
