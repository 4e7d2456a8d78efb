"""Time formats of a file, and the conversion of int64 microseconds to text in such a format."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from lstm_cli.data.times.zone_offsets import ZoneOffsets

SECOND = 1_000_000  # microseconds
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
# First and last time with a year of four digits.
FIRST_US = int(np.datetime64("0001-01-01", "us").astype(np.int64))
LAST_US = int(np.datetime64("9999-12-31T23:59:59.999999", "us").astype(np.int64))
EPOCHS = {"epoch-s": 1, "epoch-ms": 10**3, "epoch-us": 10**6, "epoch-ns": 10**9}  # units in a second
_ISO = "%Y-%m-%dT%H:%M:%S"
_TOKEN = re.compile(r"%-?[YmdHIMSpPq]")


@dataclass(frozen=True, kw_only=True)
class TimeFormat:
    """Format of the times in a file. Arrays hold UTC if the file has offsets, else the local clock.

    With `--tz` the file has local times, and arrays may hold UTC too (`instants`).
    """

    # strftime codes: %Y %m %d %H %I %M %S %p; %-d: no leading 0; %q: quarter; epoch-s …; "": unit steps.
    pattern: str = ""
    digits: int = 0  # digits of the fraction of a second
    zone: str = ""  # style of offsets: "" none, "Z", " UTC", "+00:00", "+0000", "+00", " +00:00" …
    offset: int = 0  # minutes east of UTC; 0 with zone "Z" if the file has several offsets
    tz: str = ""  # time zone of local times (--tz)
    instants: bool = False  # arrays hold UTC, and the file has local times of `tz`

    @property
    def has_offset(self) -> bool:
        """Return whether the text of the times names instants, and not local clock times."""
        return bool(self.zone) or self.pattern in EPOCHS

    @property
    def is_ambiguous(self) -> bool:
        """Return whether repeated and skipped hours of local clocks may disturb the times."""
        return not self.has_offset and not self.tz

    def to_file_clock(self, times_us: np.ndarray) -> np.ndarray:
        """Return times of arrays on the clock that messages and calendar features use: local with `--tz`."""
        return self._zone_offsets(times_us).to_local(times_us) if self.instants else times_us

    def from_file_clock(self, local_us: np.ndarray, *, later: bool = False) -> np.ndarray:
        """Return local times as arrays hold them.

        Args:
            local_us: local times of any shape.
            later: a repeated local time means its second occurrence.
        """
        return self._zone_offsets(local_us).to_utc(local_us, later=later) if self.instants else local_us

    def to_utc(self, times_us: np.ndarray) -> np.ndarray:
        """Return times of arrays in UTC, for a file with offsets or with `--tz`."""
        return self._zone_offsets(times_us).to_utc(times_us) if self.tz and not self.instants else times_us

    def _zone_offsets(self, times_us: np.ndarray) -> "ZoneOffsets":
        from lstm_cli.data.times.zone_offsets import ZoneOffsets  # lazy: most files need no time zone

        return ZoneOffsets.spanning(self.tz, times_us)

    def to_dict(self) -> dict[str, Any]:
        zone = {"tz": self.tz, "instants": self.instants} if self.tz else {}
        return {
            "pattern": self.pattern,
            "digits": self.digits,
            "zone": self.zone,
            "offset": self.offset,
            **zone,
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "TimeFormat":
        return cls(
            pattern=str(stored["pattern"]),
            digits=int(stored["digits"]),
            zone=str(stored["zone"]),
            offset=int(stored["offset"]),
            tz=str(stored.get("tz", "")),
            instants=bool(stored.get("instants", False)),
        )


def format_times(times_us: np.ndarray, fmt: TimeFormat) -> list[str]:
    """Return times [n] (int64 microseconds) as text in a file's format; row numbers if it has no times.

    A format too coarse for the times (dates, but steps of six hours) is refined, so that all texts differ.
    """
    times = np.asarray(times_us, dtype=np.int64)
    if not fmt.pattern:
        return [str(time) for time in times.tolist()]
    if fmt.pattern in EPOCHS:
        return _format_epochs(times, fmt)
    fields = _split_fields(fmt.to_file_clock(times) + fmt.offset * 60 * SECOND)
    fmt = _refine_format(fmt, fields)
    zone = _format_zone(fmt)
    columns: list[list[str]] = []
    end = 0
    for token in _TOKEN.finditer(fmt.pattern):
        literal = fmt.pattern[end : token.start()]
        columns.append([literal + text for text in _format_field(token[0], fields, fmt.digits)])
        end = token.end()
    tail = fmt.pattern[end:] + zone
    return ["".join(parts) + tail for parts in zip(*columns, strict=True)]


def iso_time(time_us: int, time_format: TimeFormat) -> str:
    """Return a time in ISO form, with Z if the file's times are instants."""
    iso = TimeFormat(pattern=_ISO, zone="Z" if time_format.has_offset else "")
    return format_times(time_format.to_file_clock(np.array([time_us])), iso)[0]


def format_zoned_times(times_us: np.ndarray, fmt: TimeFormat) -> list[str]:
    """Return times [n] of a file with `--tz` as ISO text with the offset of the zone."""
    utc = fmt.to_utc(np.asarray(times_us, dtype=np.int64))
    offsets = fmt._zone_offsets(utc).at(utc)
    texts = format_times(utc + offsets, TimeFormat(pattern=_ISO))
    minutes = (offsets // MINUTE).tolist()
    return [
        text + _format_zone(TimeFormat(zone="+00:00", offset=offset))
        for text, offset in zip(texts, minutes, strict=True)
    ]


def to_microseconds(
    year: np.ndarray, month: np.ndarray, day: np.ndarray, clock_us: np.ndarray | int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Convert dates [n] to microseconds.

    Args:
        year: years [n].
        month: months [n].
        day: days of the month [n].
        clock_us: time of day in microseconds, [n] or one number.

    Returns:
        int64 microseconds since 1970 [n], and which dates exist [n].
    """
    changes = (day[1:] != day[:-1]) | (month[1:] != month[:-1]) | (year[1:] != year[:-1])
    begins = np.append(0, np.flatnonzero(changes) + 1) if len(year) else np.zeros(0, dtype=np.int64)
    if 4 * len(begins) > len(year):
        starts, exist = _dates_to_microseconds(year, month, day)
        return starts + clock_us, exist
    starts, exist = _dates_to_microseconds(year[begins], month[begins], day[begins])  # few dates, many times
    lengths = np.diff(np.append(begins, len(year)))
    return np.repeat(starts, lengths) + clock_us, np.repeat(exist, lengths)


def _dates_to_microseconds(
    year: np.ndarray, month: np.ndarray, day: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return dates [n] as int64 microseconds since 1970, and which dates [n] exist."""
    exists = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = (np.where(exists, year, 1970) - 1970) * 12 + np.where(exists, month, 1) - 1
    start = months.astype("datetime64[M]")
    length = ((start + 1).astype("datetime64[D]") - start.astype("datetime64[D]")).astype(np.int64)
    exists &= day <= length
    return start.astype("datetime64[D]").astype(np.int64) * DAY + (day - 1) * DAY, exists


def _split_fields(local_us: np.ndarray) -> dict[str, np.ndarray]:
    days, clock = np.divmod(local_us, DAY)
    date = days.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    return {
        "Y": month.astype("datetime64[Y]").astype(np.int64) + 1970,
        "m": month.astype(np.int64) % 12 + 1,
        "d": (date - month.astype("datetime64[D]")).astype(np.int64) + 1,
        "H": clock // (3600 * SECOND),
        "M": clock // (60 * SECOND) % 60,
        "S": clock // SECOND % 60,
        "f": clock % SECOND,
    }


def _format_field(token: str, fields: dict[str, np.ndarray], digits: int) -> list[str]:
    letter = token[-1]
    if letter in "pP":
        halves = ("AM", "PM") if letter == "p" else ("am", "pm")
        return [halves[hour >= 12] for hour in fields["H"].tolist()]
    if letter == "q":
        return [str(month) for month in ((fields["m"] - 1) // 3 + 1).tolist()]
    values = (fields["H"] - 1) % 12 + 1 if letter == "I" else fields[letter]
    write: Callable[[int], str] = str if token[1] == "-" else ("%04d" if letter == "Y" else "%02d").__mod__
    texts = [write(value) for value in values.tolist()]
    if letter == "S" and digits:
        fractions = [f".{micros:06d}"[: digits + 1].ljust(digits + 1, "0") for micros in fields["f"].tolist()]
        return [text + fraction for text, fraction in zip(texts, fractions, strict=True)]
    return texts


def _refine_format(fmt: TimeFormat, fields: dict[str, np.ndarray]) -> TimeFormat:
    """Return the format, refined if it is too coarse to write these times."""
    tokens = {token.replace("-", "") for token in _TOKEN.findall(fmt.pattern)}
    tokens |= {"%H"} if "%I" in tokens else set()
    defaults = {"m": 1, "d": 1, "H": 0, "M": 0, "S": 0}  # values of fields that the format leaves out
    missing = [
        letter
        for letter, value in defaults.items()
        if f"%{letter}" not in tokens and (fields[letter] != value).any()
    ]
    if "m" in missing and "%q" in tokens and ((fields["m"] - 1) % 3 == 0).all():
        missing.remove("m")
    fraction = bool(fields["f"].any())
    if missing or (fraction and "%S" not in tokens):
        if "%M" in tokens and "%M%S" not in fmt.pattern and not set(missing) - {"S"}:
            pattern = fmt.pattern.replace("%M", "%M:%S")
        else:
            dated = {"%d", "%m"} <= tokens and "%H" not in tokens and not fmt.pattern.startswith("%Y%m")
            clock = fraction or any(fields[letter].any() for letter in "HMS")
            pattern = (fmt.pattern if dated else "%Y-%m-%d") + (" %H:%M:%S" if clock else "")
        fmt = replace(fmt, pattern=pattern)
    if fmt.digits < 6 and (fields["f"] % 10 ** (6 - fmt.digits)).any():
        fmt = replace(fmt, digits=6)
    return fmt


def _format_zone(fmt: TimeFormat) -> str:
    style = fmt.zone
    if "0" not in style:
        return style
    hours, minutes = divmod(abs(fmt.offset), 60)
    text = f"{'-' if fmt.offset < 0 else '+'}{hours:02d}"
    if minutes or len(style.strip()) > 3:
        text += (":" if ":" in style or len(style.strip()) == 3 else "") + f"{minutes:02d}"
    return " " * style.startswith(" ") + text


def _format_epochs(times: np.ndarray, fmt: TimeFormat) -> list[str]:
    units = EPOCHS[fmt.pattern]
    if units >= SECOND:
        return [str(time * (units // SECOND)) for time in times.tolist()]
    whole, rest = np.divmod(times, SECOND // units)
    width = len(str(SECOND // units)) - 1
    fine = fmt.digits <= width and not (rest % 10 ** (width - fmt.digits)).any()
    digits = fmt.digits if fine else max(fmt.digits, width)
    if not digits:
        return [str(value) for value in whole.tolist()]
    fractions = [f"{value:0{width}d}"[:digits].ljust(digits, "0") for value in rest.tolist()]
    return [f"{value}.{fraction}" for value, fraction in zip(whole.tolist(), fractions, strict=True)]
