"""Lines of stderr without times, for comparison in tests."""

import re

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", re.M)
SECONDS = re.compile(r"\b\d+\.\d s\b")


def untimed(text: str) -> str:
    """Return the text without times, and with every number of seconds as `N s`."""
    return SECONDS.sub("N s", TIME.sub("", text))


def without_summary(text: str) -> str:
    """Return the text without its last line, which must be the summary of a command."""
    *lines, last = untimed(text).splitlines(keepends=True)
    assert re.match(r"[a-z]+ \S+: ", last), last
    return "".join(lines)
