"""Size of each package: its files, and its lines that are neither blank nor a comment.

`python tests/package_sizes.py` prints the table of docs/explanation/design.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "lstm_cli"
TOP = "files of `lstm_cli/`"  # row of the files that are in no package


@dataclass(frozen=True, kw_only=True)
class Size:
    """Size of a package."""

    files: int
    lines: int


def count_lines(source: str) -> int:
    """Return the number of lines that are neither blank nor a comment. Those of a docstring count."""
    return sum(not line.strip().startswith("#") for line in source.splitlines() if line.strip())


def package_sizes() -> dict[str, Size]:
    """Return the size of each package of the top level, and of the files in none, by name."""
    folders = sorted(path.parent for path in PACKAGE.glob("*/__init__.py"))
    found = {f"`{folder.name}/`": list(folder.rglob("*.py")) for folder in folders}
    found[TOP] = list(PACKAGE.glob("*.py"))
    return {
        name: Size(files=len(paths), lines=sum(count_lines(path.read_text()) for path in paths))
        for name, paths in found.items()
    }


def rows(sizes: dict[str, Size]) -> Iterator[str]:
    """Yield the lines of the table, the largest package first. Lines of code are rounded to tens."""
    yield "| package | files | lines of code |"
    yield "| --- | --- | --- |"
    for name, size in sorted(sizes.items(), key=lambda item: -item[1].lines):
        yield f"| {name} | {size.files} | {round(size.lines, -1):,} |"
    total = sum(size.lines for size in sizes.values())
    yield f"| all | {sum(size.files for size in sizes.values())} | {round(total, -1):,} |"


if __name__ == "__main__":
    print("\n".join(rows(package_sizes())))
