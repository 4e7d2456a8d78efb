"""Tests that `make test-lowest` installs the lower bounds of pyproject.toml."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOT_PINNED = {"torch"}  # see CONTRIBUTING.md


def bounds() -> dict[str, str]:
    """Return the lowest version of all dependencies and extras, except the developer extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    extras = [line for name, lines in optional.items() if name != "dev" for line in lines]
    return dict(line.split(">=") for line in (*project["dependencies"], *extras))


def pins() -> dict[str, str]:
    text = (ROOT / "constraints-lowest.txt").read_text()
    return dict(re.findall(r"^([\w-]+)==(\S+)$", text, flags=re.MULTILINE))


def test_all_lower_bounds_are_pinned() -> None:
    pinned = pins()
    for name, bound in bounds().items():
        if name not in NOT_PINNED:
            assert re.sub(r"(\.0)+$", "", pinned[name]) == re.sub(r"(\.0)+$", "", bound), name


def test_contributing_names_the_lowest_torch_version() -> None:
    assert f"torch {bounds()['torch']}" in (ROOT / "CONTRIBUTING.md").read_text()
