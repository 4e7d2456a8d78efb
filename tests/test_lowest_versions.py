"""The lower bounds of pyproject.toml are the versions that `make test-lowest` installs."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
BY_HAND = {"torch"}  # its lowest version was found once: CONTRIBUTING.md


def bounds() -> dict[str, str]:
    """The lowest version of every dependency, and of those of the extras but for developers'."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [one for name, each in project["optional-dependencies"].items() if name != "dev" for one in each]
    return dict(line.split(">=") for line in (*project["dependencies"], *extras))


def pins() -> dict[str, str]:
    text = (ROOT / "constraints-lowest.txt").read_text()
    return dict(re.findall(r"^([\w-]+)==(\S+)$", text, flags=re.MULTILINE))


def test_every_lower_bound_is_a_pin_of_the_lowest_versions() -> None:
    found = pins()
    for name, bound in bounds().items():
        if name not in BY_HAND:
            assert re.sub(r"(\.0)+$", "", found[name]) == re.sub(r"(\.0)+$", "", bound), name


def test_contributing_says_the_lowest_torch() -> None:
    assert f"torch {bounds()['torch']}" in (ROOT / "CONTRIBUTING.md").read_text()
