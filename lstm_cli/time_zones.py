"""IANA time zones by name, as `--tz` gives them."""

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from lstm_cli.errors import UsageError
from lstm_cli.wording import nearest_name

# Zones that a hint may name, the most likely first.
EXAMPLES = (
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "Australia/Sydney",
    "America/Santiago",
    "Pacific/Auckland",
)
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d{1,2})(?::?(\d\d))?")


def load_zone(name: str) -> ZoneInfo:
    """Return a time zone. Raise UsageError for an unknown name, or if the machine has no time zones."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zones = available_timezones()
    if not zones:
        raise UsageError(
            f"--tz {name} needs the time zone database, which is not installed",
            hint="pip install tzdata",
            flag="--tz",
        )
    offset = _OFFSET.fullmatch(name.strip())
    if offset is not None:
        raise UsageError(
            f"--tz '{name}' is an offset from UTC, and not a time zone",
            hint=_offset_hint(*offset.groups()),
            flag="--tz",
        )
    raise UsageError(
        f"--tz '{name}' is not a known time zone",
        hint=f"did you mean --tz {_nearest_zone(name, zones)}?",
        flag="--tz",
    )


def _offset_hint(sign: str, hours: str, minutes: str | None) -> str:
    """Return the zone with an offset of whole hours, whose name has the other sign; else what a zone is."""
    plain = f"use the name of a zone, such as --tz {EXAMPLES[0]}"
    if int(minutes or 0) or int(hours) > (14 if sign == "+" else 12):
        return plain
    inverse = "-" if sign == "+" else "+"
    return f"use --tz Etc/GMT{inverse}{int(hours)} for a clock that never changes, or {plain.removeprefix('use ')}"


def _nearest_zone(name: str, zones: set[str]) -> str:
    """Return the zone whose name or city is nearest to a text; Europe/Berlin if none is near."""
    wanted = name.strip().lower().replace(" ", "_")
    names = {zone.lower(): zone for zone in sorted(zones)}
    cities = {zone.lower().rpartition("/")[2]: zone for zone in sorted(zones, reverse=True)}
    for known in (names, cities):
        if wanted in known:
            return known[wanted]
    for known in (names, cities):
        near = nearest_name(wanted, known)
        if near:
            return known[near]
    return EXAMPLES[0]
