"""Requested columns, and the columns to read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lstm_cli.config.text import TextSettings
from lstm_cli.data.reading.columns.categories import Vocabulary
from lstm_cli.data.times.codes import INFERRED, TimeOptions
from lstm_cli.data.times.formats import TimeFormat
from lstm_cli.findings import Finding


@dataclass(frozen=True, kw_only=True)
class ColumnRequest:
    """Requested columns; empty or None if not requested."""

    targets: tuple[str, ...]
    past: tuple[str, ...]
    future: tuple[str, ...]
    time: tuple[str, ...]
    series: tuple[str, ...]
    static: tuple[str, ...] = ()
    from_model: bool = False  # a model needs these columns, so no flag can choose others
    has_header: bool = True  # False: the names are not from the first line, so they may be numbers
    times: TimeOptions = INFERRED  # how times are read
    categories: Mapping[str, Sequence[str]] | None = (
        None  # of each text column; None: text columns are detected
    )
    na_values: tuple[str, ...] = ()  # further codes for a missing value
    mixed: tuple[str, ...] = ()  # covariates that turned out to hold digits and words
    no_target: bool = False  # the file holds covariates only
    future_file_ok: bool = False  # --future-data takes rows without targets

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all requested columns."""
        return (*self.series, *self.time, *self.targets, *self.past, *self.future, *self.static)


@dataclass(frozen=True, kw_only=True)
class ColumnRoles:
    """Columns to read, as column indices from 0."""

    time: tuple[int, ...]
    series: tuple[int, ...]
    targets: tuple[int, ...]
    past: tuple[int, ...]
    future: tuple[int, ...]
    static: tuple[int, ...] = ()
    findings: tuple[Finding, ...]
    times: TimeOptions = INFERRED  # how times are read
    vocabularies: Mapping[str, Vocabulary] = field(default_factory=dict)  # of the text columns, by name

    @property
    def numeric(self) -> tuple[int, ...]:
        return self.targets + self.past + self.future + self.static

    @property
    def used(self) -> frozenset[int]:
        """Return the columns with a role."""
        return frozenset((*self.time, *self.series, *self.numeric))


def time_options(text: TextSettings, *, named: bool, like: TimeFormat | None = None) -> TimeOptions:
    """Return how the text of a time column is read.

    Args:
        text: settings of how text is read.
        named: an option names the time column.
        like: time format of the run's data; None without a run.
    """
    return TimeOptions(
        format=text.time_format,
        day_first=text.dayfirst,
        thousands=text.thousands,
        named=named and like is None,
        like=like,
    )
