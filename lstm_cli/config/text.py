"""Settings of how a data file is read, shared by `prepare`, `check` and `predict`.

`TextSettings` say how text becomes cells, numbers and times. `GridSettings` say how rows become a time grid.
The run stores both, and `predict` reads new data with them.
"""

from dataclasses import dataclass, fields, replace
from typing import TypeVar

from lstm_cli.config.setting import setting
from lstm_cli.errors import UsageError

Text = TypeVar("Text", bound="TextSettings")
TEXT_PANEL, TIMES_PANEL = "Text format", "Times"
WHITESPACE = "whitespace"  # the word for --delimiter: any number of blanks and tabs
INTEGER_TIMES = "int"  # the word for --time-format: whole numbers that count steps
NO_TIMES = "none"  # the word for --time: rows are the steps


@dataclass(frozen=True, kw_only=True)
class TextSettings:
    """Settings of how the text of a file is read; the names are those of pandas where it has one."""

    encoding: str | None = setting(
        None, "Text encoding, e.g. latin-1.", "NAME", default_text="UTF-8 or UTF-16", panel=TEXT_PANEL
    )
    delimiter: str | None = setting(
        None, "Column delimiter, or whitespace.", "CHAR", default_text="comma", panel=TEXT_PANEL
    )
    no_header: bool = setting(
        False, "The file has no header: columns are named 1, 2 and so on.", panel=TEXT_PANEL
    )
    names: tuple[str, ...] | None = setting(
        None,
        "Column names, if there is no header.",
        "A,B,C",
        kind="names",
        default_text="header",
        panel=TEXT_PANEL,
    )
    skip_rows: int = setting(
        0, "Number of lines to skip at the top.", "N", kind="whole", panel=TEXT_PANEL, minimum=0
    )
    decimal: str | None = setting(None, "Decimal mark.", "CHAR", default_text="point", panel=TEXT_PANEL)
    thousands: str | None = setting(None, "Thousands mark.", "CHAR", default_text="none", panel=TEXT_PANEL)
    units: bool = setting(False, "Numbers with units: $1,234, (5), 12 %, 3K.", panel=TEXT_PANEL)
    na_value: tuple[str, ...] = setting(
        (), "Code for a missing value (repeatable).", "TEXT", panel=TEXT_PANEL
    )
    time_format: str | None = setting(
        None,
        "Format of the times, e.g. %d.%m.%y, or int.",
        "FORMAT",
        default_text="inferred",
        panel=TIMES_PANEL,
    )
    dayfirst: bool | None = setting(
        None,
        "Order of 01/02/2020.",
        flag="--dayfirst/--monthfirst",
        default_text="inferred",
        panel=TIMES_PANEL,
    )

    @property
    def has_header(self) -> bool:
        """Return whether the first line names the columns."""
        return not self.no_header and self.names is None

    def check_text(self) -> None:
        """Raise UsageError for settings that contradict each other or cannot be used."""
        if self.delimiter is not None and self.delimiter != WHITESPACE and len(self.delimiter) != 1:
            raise UsageError(
                f"--delimiter '{self.delimiter}' is not one character",
                hint=f"use ';' for a semicolon, $'\\t' for a tab, or {WHITESPACE}",
                flag="--delimiter",
            )
        for flag, mark in (("--decimal", self.decimal), ("--thousands", self.thousands)):
            if mark is not None and (len(mark) != 1 or mark.isalnum() or mark in '+-"\r\n'):
                raise UsageError(
                    f"{flag} '{mark}' is not a mark of one character", hint=f"e.g. {flag} ,", flag=flag
                )
        if (self.decimal or ".") == self.thousands:
            raise UsageError(
                f"--thousands '{self.thousands}' is the decimal mark too",
                hint="add --decimal ," if self.thousands == "." else "choose two different marks",
                flag="--thousands",
            )
        if self.time_format is not None and self.dayfirst is not None:
            order = "--dayfirst" if self.dayfirst else "--monthfirst"
            raise UsageError(
                f"{order} cannot be combined with --time-format, which holds the order of day and month",
                hint=f"leave out {order}",
                flag=order,
            )
        if self.no_header and self.names is not None:
            raise UsageError(
                "--no-header and --names cannot be combined: --names alone means that there is no header",
                hint="leave out --no-header",
                flag="--no-header",
            )

        twice = next((name for name in self.names or () if (self.names or ()).count(name) > 1), None)
        if twice is not None:
            raise UsageError(
                f"--names has '{twice}' twice", hint="give each column a name of its own", flag="--names"
            )

    def over(self, other: "TextSettings") -> "TextSettings":
        """Return these settings, with those of `other` (the run) where these have their defaults.

        The marks of numbers belong together: one of them given replaces all of them.
        """
        given = {
            item.name: getattr(self, item.name)
            for item in fields(TextSettings)
            if getattr(self, item.name) != item.default
        }
        base = other.text_settings
        if self.has_number_format:
            base = replace(base, decimal=None, thousands=None, units=False)
        return replace(base, **given)

    @property
    def has_number_format(self) -> bool:
        """Return whether a setting describes the marks of numbers."""
        return self.units or self.decimal is not None or self.thousands is not None

    @property
    def text_settings(self) -> "TextSettings":
        """Return only the settings of this class."""
        return TextSettings(**{item.name: getattr(self, item.name) for item in fields(TextSettings)})


@dataclass(frozen=True, kw_only=True)
class GridSettings:
    """Settings of how the rows of a file become a time grid. New data take them from the run."""

    tz: str | None = setting(
        None, "Time zone, e.g. Asia/Tokyo.", "ZONE", default_text="none", panel=TIMES_PANEL
    )
    freq: str | None = setting(
        None,
        "Frequency: 15min, h, D, B, W-THU, MS, ME and others.",
        "STEP",
        default_text="inferred",
        panel=TIMES_PANEL,
    )
    resample: str | None = setting(
        None,
        "Aggregation to --freq.",
        choices=("mean", "sum", "first", "last", "min", "max", "median", "nearest"),
        default_text="off",
        panel=TIMES_PANEL,
    )
    gaps: str | None = setting(
        None,
        "Missing rows: fill as set by --missing, or skip (office hours).",
        choices=("fill", "skip"),
        default_text="fill",
        panel=TIMES_PANEL,
    )
    duplicates: str = setting(
        "error",
        "Several values for one time.",
        choices=("error", "first", "last", "mean", "sum"),
        panel=TIMES_PANEL,
    )

    def check_grid(self) -> None:
        """Raise UsageError for settings that contradict each other."""
        if self.tz is not None:
            from lstm_cli.time_zones import load_zone  # lazy: few files need a time zone

            load_zone(self.tz)
        if self.resample is not None and self.freq is None:
            raise UsageError(
                f"--resample {self.resample} needs --freq",
                hint="add the step, such as --freq h",
                flag="--resample",
            )

    @property
    def grid(self) -> "GridSettings":
        """Return only the settings of this class."""
        return GridSettings(**{item.name: getattr(self, item.name) for item in fields(GridSettings)})


PLAIN_TEXT = TextSettings()
PLAIN_GRID = GridSettings()
