"""Time formats of a file, and the conversion of int64 microseconds to text in such a format."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.data.times.names import write_name

if TYPE_CHECKING:
    from lstm_cli.data.times.zone_offsets import ZoneOffsets

SECOND = 1_000_000  # microseconds
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
# First and last time with a year of four digits.
FIRST_US = int(np.datetime64("0001-01-01", "us").astype(np.int64))
LAST_US = int(np.datetime64("9999-12-31T23:59:59.999999", "us").astype(np.int64))
FIRST_SHORT_YEAR = 1969  # the year that 69 means; 68 is 2068, as POSIX has it
EPOCHS = {"epoch-s": 1, "epoch-ms": 10**3, "epoch-us": 10**6, "epoch-ns": 10**9}  # units in a second
INTEGERS = "int"  # pattern of times that are whole numbers, which count steps
JOINT = "\x1f"  # stands between the columns of a time that several columns hold together
_ISO = "%Y-%m-%dT%H:%M:%S"
_TOKEN = re.compile(r"%[-^#]?[YymdHIMSpPqfzbBjGVuaA%]")
_NARROW_CLOCK = re.compile(f"{JOINT}(%-H%-M(?:%-S)?)$")  # 130 for 01:30, in a column of its own
_WIDTHS = {"Y": 4, "G": 4, "j": 3, "u": 1, "q": 1}  # digits with leading zeros; 2 for other codes


@dataclass(frozen=True, kw_only=True)
class TimeFormat:
    """Format of the times in a file. Arrays hold UTC if the file has offsets, else the local clock.

    With `--tz` the file has local times, and arrays may hold UTC too (`instants`).

    The pattern has codes of strftime, and these: `%-d` has no leading zero, `%P` is am or pm, `%q` is the quarter,
    `%^b` JAN and `%#b` jan. JOINT separates columns. In a last column, `%-H%-M` is 130 for 01:30. Other patterns are
    `epoch-s` and its kind, INTEGERS, and "" for rows that are steps.
    """

    pattern: str = ""
    digits: int = 0  # digits of the fraction of a second; of INTEGERS, the width with leading zeros
    zone: str = ""  # style of offsets: "" none, "Z", " UTC", "+00:00", "+0000", "+00", " +00:00" …
    offset: int = 0  # minutes east of UTC; 0 with zone "Z" if the file has several offsets
    tz: str = ""  # time zone of local times (--tz)
    tail: str = ""  # decimals of whole numbers, such as .0
    instants: bool = False  # arrays hold UTC, and the file has local times of `tz`

    @property
    def is_integer(self) -> bool:
        """Return whether the times are whole numbers, which count steps and have no calendar."""
        return self.pattern == INTEGERS

    @property
    def has_offset(self) -> bool:
        """Return whether the text of the times names instants, and not local clock times."""
        return bool(self.zone) or self.pattern in EPOCHS

    @property
    def is_ambiguous(self) -> bool:
        """Return whether repeated and skipped hours of local clocks may disturb the times."""
        return not (self.has_offset or self.tz or self.is_integer)

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

    def from_utc(self, utc_us: np.ndarray) -> np.ndarray:
        """Return times in UTC as arrays hold them, for a file with offsets or with `--tz`."""
        return self._zone_offsets(utc_us).to_local(utc_us) if self.tz and not self.instants else utc_us

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
            **({"tail": self.tail} if self.tail else {}),
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "TimeFormat":
        return cls(
            pattern=str(stored["pattern"]),
            digits=int(stored["digits"]),
            zone=str(stored["zone"]),
            offset=int(stored["offset"]),
            tz=str(stored.get("tz", "")),
            tail=str(stored.get("tail", "")),
            instants=bool(stored.get("instants", False)),
        )


def format_times(times_us: np.ndarray, fmt: TimeFormat) -> list[str]:
    """Return times [n] (int64 microseconds) as text in a file's format; row numbers if it has no times.

    A format too coarse for the times (dates, but steps of six hours) is refined, so that all texts differ.
    """
    times = np.asarray(times_us, dtype=np.int64)
    if fmt.pattern in ("", INTEGERS):
        return [f"{time:0{fmt.digits}d}{fmt.tail}" for time in times.tolist()]
    if fmt.pattern in EPOCHS:
        return _format_epochs(times, fmt)
    fields = _split_fields(fmt.to_file_clock(times) + fmt.offset * 60 * SECOND)
    refined = _refine_format(fmt, fields)
    fmt = refined if refined == fmt else replace(refined, tail="")  # decimals belong to whole numbers only
    narrow = _NARROW_CLOCK.search(fmt.pattern)
    if narrow is not None:
        wide = replace(fmt, pattern=fmt.pattern[: narrow.start(1)] + narrow[1].replace("-", ""))
        texts = [text.rpartition(JOINT) for text in format_times(times, wide)]
        return [date + joint + str(int(clock)) for date, joint, clock in texts]
    zone = _format_zone(fmt)
    columns: list[list[str]] = []
    end = 0
    digits = 0 if "%f" in fmt.pattern else fmt.digits
    for token in _TOKEN.finditer(fmt.pattern):
        literal = fmt.pattern[end : token.start()]
        end = token.end()
        if token[0] in ("%z", "%%", "%f"):
            columns.append([literal + text for text in _format_other(token[0], fields, fmt.digits, zone)])
        else:
            columns.append([literal + text for text in _format_field(token[0], fields, digits)])
    tail = fmt.pattern[end:] + fmt.tail + ("" if "%z" in fmt.pattern else zone)
    return ["".join(parts) + tail for parts in zip(*columns, strict=True)]


def narrow_clock(pattern: str) -> str:
    """Return a pattern whose last column, a time of day without marks, has no leading zeros.

    >>> narrow_clock(f"%Y-%m-%d{JOINT}%H%M").replace(JOINT, " ")
    '%Y-%m-%d %-H%-M'
    """
    date, joint, clock = pattern.rpartition(JOINT)
    return date + joint + (clock.replace("%", "%-") if clock in ("%H%M", "%H%M%S") else clock)


def show_time(time_us: int, fmt: TimeFormat) -> str:
    """Return one time in a file's format for messages; a blank separates the columns of a joined time."""
    return format_times(np.array([time_us]), fmt)[0].replace(JOINT, " ")


def iso_time(time_us: int, time_format: TimeFormat) -> str:
    """Return a time in ISO form, with Z if the file's times are instants; a whole number as it is."""
    if time_format.is_integer:
        return str(time_us)
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
    year = month.astype("datetime64[Y]")
    thursday = days + 3 - (days + 3) % 7  # of the week of each day; it decides the year of an ISO week
    week_year = thursday.astype("datetime64[D]").astype("datetime64[Y]")
    return {
        "Y": year.astype(np.int64) + 1970,
        "y": (year.astype(np.int64) + 1970) % 100,
        "j": (date - year.astype("datetime64[D]")).astype(np.int64) + 1,
        "G": week_year.astype(np.int64) + 1970,
        "V": (thursday - week_year.astype("datetime64[D]").astype(np.int64)) // 7 + 1,
        "u": (days + 3) % 7 + 1,
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
    if letter in "bBaA":
        return [write_name(token, number) for number in fields["m" if letter in "bB" else "u"].tolist()]
    values = (fields["H"] - 1) % 12 + 1 if letter == "I" else fields[letter]
    write: Callable[[int], str] = str if token[1] == "-" else f"%0{_WIDTHS.get(letter, 2)}d".__mod__
    texts = [write(value) for value in values.tolist()]
    if letter == "S" and digits:
        fractions = [f".{micros:06d}"[: digits + 1].ljust(digits + 1, "0") for micros in fields["f"].tolist()]
        return [text + fraction for text, fraction in zip(texts, fractions, strict=True)]
    return texts


def _format_other(token: str, fields: dict[str, np.ndarray], digits: int, zone: str) -> list[str]:
    """Return the texts of a code that is no number: an offset, a percent sign, or a fraction of a second."""
    if token != "%f":
        return [zone if token == "%z" else "%"] * len(fields["f"])
    return [f"{micros:06d}"[:digits].ljust(digits, "0") for micros in fields["f"].tolist()]


def _refine_format(fmt: TimeFormat, fields: dict[str, np.ndarray]) -> TimeFormat:
    """Return the format, refined if it is too coarse to write these times."""
    tokens = {re.sub("[-^#]", "", token) for token in _TOKEN.findall(fmt.pattern)}
    if "%y" in tokens and ((fields["Y"] < FIRST_SHORT_YEAR) | (fields["Y"] >= FIRST_SHORT_YEAR + 100)).any():
        fmt = replace(fmt, pattern=fmt.pattern.replace("%y", "%Y"))
    defaults = {"m": 1, "d": 1, "H": 0, "M": 0, "S": 0}  # values of fields that the format leaves out
    written = _written_fields(tokens, fields)
    missing = [
        letter
        for letter, value in defaults.items()
        if letter not in written and (fields[letter] != value).any()
    ]
    fraction = bool(fields["f"].any())
    if missing or (fraction and "%S" not in tokens):
        if JOINT in fmt.pattern:
            fmt = _refine_joint(fmt, missing)
        elif "%M" in tokens and "%M%S" not in fmt.pattern and not set(missing) - {"S"}:
            fmt = replace(fmt, pattern=re.sub("(%-?M)", r"\1:%S", fmt.pattern))
        else:
            dated = {"%d", "%m"} <= tokens and "%H" not in tokens and not fmt.pattern.startswith("%Y%m")
            clock = fraction or any(fields[letter].any() for letter in "HMS")
            pattern = (fmt.pattern if dated else "%Y-%m-%d") + (" %H:%M:%S" if clock else "")
            fmt = replace(fmt, pattern=pattern)
    if fmt.digits < 6 and (fields["f"] % 10 ** (6 - fmt.digits)).any():
        fmt = replace(fmt, digits=6)
    return fmt


def _written_fields(tokens: set[str], fields: dict[str, np.ndarray]) -> set[str]:
    """Return which of the fields m, d, H, M and S the codes of a format write, for these times."""
    written = {token[1] for token in tokens}
    if "I" in written:
        written.add("H")
    if written & {"b", "B"} or ("q" in written and ((fields["m"] - 1) % 3 == 0).all()):
        written.add("m")
    if "j" in written or ("V" in written and (written & {"u", "a", "A"} or (fields["u"] == 1).all())):
        written |= {"m", "d"}
    return written


def _refine_joint(fmt: TimeFormat, missing: list[str]) -> TimeFormat:
    """Return the format of several columns with the missing fields in its last column."""
    if set(missing) <= {"M", "S"} and re.search("%-?[HM]$", fmt.pattern):
        added = ":%S" if fmt.pattern.endswith("M") else ":%M:%S" if "S" in missing else ":%M"
        return replace(fmt, pattern=fmt.pattern + added)
    return replace(fmt, pattern=JOINT.join(["%Y-%m-%d %H:%M:%S"] + [""] * fmt.pattern.count(JOINT)))


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
