"""Series of new data, found by name among those of a run."""

from collections.abc import Sequence
from unicodedata import normalize

from lstm_cli.data.locations import quote_name
from lstm_cli.errors import DataError, UsageError
from lstm_cli.findings import in_file
from lstm_cli.wording import did_you_mean


class SeriesIndex:
    """Index of series by name. Composed (NFC) and decomposed (NFD) letters are equal if no name has both forms."""

    def __init__(self, names: Sequence[str]) -> None:
        """Index the names [S]."""
        self.names = tuple(names)
        self._indices = {name: index for index, name in enumerate(names)}
        for index, name in enumerate(names):
            self._indices.setdefault(normalize("NFC", name), index)

    def find(self, name: str) -> int | None:
        """Return the index of a series; None if no series has this name."""
        return self._indices.get(name, self._indices.get(normalize("NFC", name)))

    def nearest(self, name: str) -> str:
        """Return a hint with the most similar name; "" if no name is similar."""
        return did_you_mean(name[:200], self.names, quoted=quote_name)


def find_requested_series(names: Sequence[str], only: Sequence[str], source: str) -> list[int]:
    """Return the indices of the series of `--only`, in the order of the data.

    Args:
        names: names of the series; ("",) for data without a series column.
        only: requested names.
        source: name of the data in messages.

    Raises:
        UsageError: the data have no series column.
        DataError: a requested series is not found.
    """
    if tuple(names) == ("",):
        raise UsageError(
            f"--only '{only[0]}' needs a panel, and {source} has one series without a name",
            hint="leave out --only",
            flag="--only",
        )
    index = SeriesIndex(names)
    found = set()
    for name in only:
        position = index.find(name)
        if position is None:
            raise DataError(
                f"series {quote_name(name)} (--only) not found among the {len(names):,} series",
                hint=index.nearest(name) or f"use a name of the data, such as --only {quote_name(names[0])}",
                rule="D813",
                at=in_file(source),
                flags=("--only",),
            )
        found.add(position)
    return sorted(found)
