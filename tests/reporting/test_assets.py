"""Tests of the files of the page: vendored as they were published, part of the package, and safe inside a page."""

import hashlib
import json
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from lstm_cli.reporting.assets import LICENCE, SCRIPTS, STYLES, asset, content_hash

PACKAGE = Path(__file__).parents[2] / "lstm_cli"
ASSETS = PACKAGE / "reporting" / "assets"
OF_SERVE = PACKAGE / "serving" / "page" / "assets"
TEXTS = {name: asset(name) for name in (*SCRIPTS, *STYLES, LICENCE)} | {
    path.name: path.read_text() for path in OF_SERVE.iterdir()
}
VENDORED = json.loads((ASSETS / "vendored.json").read_text())


def test_the_vendored_files_have_the_recorded_checksums() -> None:
    found = {name: hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() for name in VENDORED["sha256"]}
    assert found == VENDORED["sha256"]
    assert {name for name in (*STYLES, *SCRIPTS, LICENCE) if name.startswith("uPlot")} == set(
        VENDORED["sha256"]
    )


def test_version_and_licence_are_those_of_the_files() -> None:
    assert f"uPlot (v{VENDORED['version']})" in asset("uPlot.iife.min.js")[:100]
    assert "The MIT License" in asset(LICENCE)


def test_the_package_has_the_files() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["lstm_cli"]
    paths = [*ASSETS.iterdir(), *OF_SERVE.iterdir()]
    files = [path.relative_to(PACKAGE).as_posix() for path in paths]
    assert [name for name in files if not any(fnmatch(name, pattern) for pattern in patterns)] == []


@pytest.mark.parametrize("name", TEXTS)
def test_no_asset_ends_the_element_that_holds_it(name: str) -> None:
    text = TEXTS[name].lower()
    assert not any(end in text for end in ("</script", "</style", "<!--", "-->"))


@pytest.mark.parametrize("name", [name for name in TEXTS if name.endswith(".js")])
def test_no_script_evaluates_text_or_writes_markup(name: str) -> None:
    """A page with the security policy could not run it."""
    assert not any(word in TEXTS[name] for word in ("eval(", "new Function", "innerHTML", "document.write"))


def test_a_hash_is_that_of_the_policy() -> None:
    # The hash of this script is an example of https://www.w3.org/TR/CSP3/.
    assert content_hash("alert('Hello, world.');") == "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
