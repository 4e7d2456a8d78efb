"""Readers for the Markdown pages of the documentation."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str, language: str) -> list[str]:
    """Return the text of each block in this language, in the order of the page."""
    text = (DOCS / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def exit_codes(page: Path) -> set[int]:
    """Return the exit codes in the tables of a page: the first cell of a row has one or several."""
    cells = re.findall(r"^\| (\d[\d, ]*)", page.read_text(), flags=re.MULTILINE)
    return {int(code) for cell in cells for code in re.findall(r"\d+", cell)}
