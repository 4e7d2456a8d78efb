"""Tests of all Markdown pages: links, names of files, and the size of README."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from fenced import DOCS

ROOT = DOCS.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "recipes" / "README.md",
    *sorted((ROOT / "benchmarks").glob("*.md")),
    *sorted(DOCS.rglob("*.md")),
]
MOST_LINES, MOST_WORDS = 160, 1_500  # of README
WIDEST = 120  # columns of a line of prose
GENERATED = "<!-- Generated"  # begins a page that code writes; its lines are not wrapped
WRITTEN = [
    page for page in (ROOT / "README.md", *DOCS.rglob("*.md")) if not page.read_text().startswith(GENERATED)
]


def by_path(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose_lines(page: Path) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each line outside of fenced blocks."""
    fenced = False
    for number, line in enumerate(page.read_text().splitlines(), start=1):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


@cache
def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    result: set[str] = set()
    for _, line in prose_lines(page):
        heading = re.match(r"#{1,6} (.+)", line)
        if heading is None:
            continue
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading[1]).lower()
        anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        count = sum(re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", known) is not None for known in result)
        result.add(f"{anchor}-{count}" if count else anchor)
    return result


def links(page: Path) -> list[tuple[int, str]]:
    """Return the line and the target of each relative link and picture."""
    return [
        (number, target)
        for number, line in prose_lines(page)
        for target in re.findall(r"\]\(([^)\s]+)\)", line)
        if not re.match(r"[a-z]+:", target)
    ]


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_every_relative_link_and_anchor_resolves(page: Path) -> None:
    broken = []
    for number, target in links(page):
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(f"{by_path(page)}:{number}: {target}")
    assert broken == []


def test_the_index_lists_every_page() -> None:
    index = DOCS / "README.md"
    listed = {(DOCS / target).resolve() for _, target in links(index)}
    assert [by_path(page) for page in DOCS.rglob("*.md") if page not in {*listed, index}] == []


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_every_python_file_that_is_named_exists(page: Path) -> None:
    named = {name for _, line in prose_lines(page) for name in re.findall(r"`([\w/]+/\w+\.py)`", line)}
    roots = (ROOT, ROOT / "lstm_cli", ROOT / "tests")
    missing = [
        name
        for name in named
        if not re.search("VERB|NAME", name) and not any((root / name).exists() for root in roots)
    ]
    assert missing == []


def test_readme_is_short() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= MOST_LINES
    assert len(text.split()) <= MOST_WORDS


def test_readme_names_the_demo_and_the_test_suite() -> None:
    text = (ROOT / "README.md").read_text()
    assert "make demo" in text
    assert "`make test`" in text


@pytest.mark.parametrize("page", sorted(WRITTEN), ids=by_path)
def test_no_line_of_prose_is_too_long(page: Path) -> None:
    lines = [(number, line) for number, line in prose_lines(page) if not line.startswith("|")]
    assert [f"{by_path(page)}:{number}" for number, line in lines if len(line) > WIDEST] == []
