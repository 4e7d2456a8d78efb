"""Names of the columns of 0 and 1 that stand for the categories of a text column."""

from collections.abc import Iterable, Mapping, Sequence


def category_name(column: str, category: str) -> str:
    """Return the name of the column of 0 and 1 of a category."""
    return f"{column}={category}"


def category_sources(categories: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the text column behind each column of 0 and 1. categories: those of each text column."""
    return {
        category_name(column, category): column for column, known in categories.items() for category in known
    }


def file_columns(names: Iterable[str], categories: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the columns of the file behind input columns, each once.

    Args:
        names: names of input columns.
        categories: categories of each text column.
    """
    sources = category_sources(categories)
    return tuple(dict.fromkeys(sources.get(name, name) for name in names))
