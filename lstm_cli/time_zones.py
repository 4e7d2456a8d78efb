"""IANA time zones by name, as `--tz` gives them."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from lstm_cli.errors import UsageError
from lstm_cli.text import nearest_name

# Zones that a hint may name, the most likely first.
EXAMPLES = (
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "Australia/Sydney",
    "America/Santiago",
    "Pacific/Auckland",
)


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
    raise UsageError(
        f"--tz '{name}' is not a known time zone",
        hint=f"did you mean --tz {_nearest_zone(name, zones)}?",
        flag="--tz",
    )


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
