"""Categories of text columns: each cell becomes a code, and each frequent category a column of 0 and 1.

A cell without a column of its own counts as `other`: all its columns are 0. That holds for an empty cell too, because
a column of events is empty on days without an event. Words such as `none` are categories. A column of TRUE and FALSE
becomes one column, `NAME=true`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain

import numpy as np

from lstm_cli.data.category_names import category_name
from lstm_cli.data.locations import CellLocation, quote_names
from lstm_cli.data.numbers.hints import is_numberlike, na_value_flag
from lstm_cli.data.spreadsheet_safety import unescape_formula
from lstm_cli.data.times.patterns import is_time
from lstm_cli.findings import Finding
from lstm_cli.wording import count_noun, is_number

MAX_CATEGORIES = 20  # columns of 0 and 1 for one text column
MAX_NUMBERLIKE = 0.25  # share of number-like cells from which a column holds numbers with wrong cells
MIN_REPEATS = 3  # cells for each value of a column of digits and words
TRUTHS = ("false", "true")


def is_text_column(cells: Sequence[str]) -> bool:
    """Return whether cells are words. Numbers with wrong cells and dates are not; the first measured cells decide."""
    if not cells:
        return False
    words = sum(any(map(str.isalpha, cell)) and not is_number(cell) and not is_time(cell) for cell in cells)
    numbers = sum(is_numberlike(cell) for cell in cells)
    return words * 2 > len(cells) and numbers < MAX_NUMBERLIKE * len(cells)


def is_mixed_column(cells: Sequence[str]) -> bool:
    """Return whether measured cells are categories of which some are digits, such as 0, a, b and c.

    The values are few and repeat, and no more of them are numbers than words (or two, as 0 and 1). So numbers with
    some wrong cells are no categories.
    """
    values = set(cells)
    return len(values) * MIN_REPEATS <= len(cells) and are_mixed_values(values)


def are_mixed_values(values: Set[str]) -> bool:
    """Return whether distinct cells are few digits and words, as `is_mixed_column` has them."""
    if len(values) > MAX_CATEGORIES:
        return False
    words = {cell for cell in values if _is_plain_word(cell)}
    numbers = {cell for cell in values - words if cell.isdecimal()}
    return words | numbers == values and 0 < len(numbers) <= max(2, len(words)) and len(words) > 0


def _is_plain_word(cell: str) -> bool:
    """Return whether a cell has a letter, and is no number, time or number with a mark or a unit."""
    return any(map(str.isalpha, cell)) and not (is_number(cell) or is_numberlike(cell) or is_time(cell))


class Vocabulary:
    """Distinct cells of a text column in order of appearance. The n-th has code n; a missing cell has code 0."""

    def __init__(
        self, known: Sequence[str] | None = None, na_values: Sequence[str] = (), *, mixed: bool = False
    ) -> None:
        """Create an empty vocabulary.

        Args:
            known: categories of the run that reads new data; None learns them.
            na_values: further marks for a missing value.
            mixed: some categories are digits, which is a guess.
        """
        self.known, self.mixed = known, mixed
        self._na_values = na_values
        self._codes: dict[str, int] = {}
        self._by_cell: dict[str, int] = {}  # codes of cells as written

    @property
    def words(self) -> tuple[str, ...]:
        """Return the distinct cells; the first has code 1."""
        return tuple(self._codes)

    @property
    def missing_cells(self) -> tuple[str, ...]:
        """Return the distinct cells that are missing."""
        return tuple(cell for cell, code in self._by_cell.items() if not code)

    def codes(self, cells: Sequence[str]) -> np.ndarray:
        """Return the code [n] float64 of each cell [n]."""
        codes = self._by_cell
        for cell in dict.fromkeys(cells):  # in order of appearance
            if cell in codes:
                continue
            word = unescape_formula(cell)
            word = word.lower() if word.lower() in TRUTHS else word
            missing = not word or word in self._na_values
            codes[cell] = 0 if missing else self._codes.setdefault(word, len(self._codes) + 1)
        return np.fromiter(map(codes.__getitem__, cells), dtype=np.float64, count=len(cells))


@dataclass(frozen=True, kw_only=True)
class TextColumn:
    """Codes of a text column and the categories that become columns of 0 and 1."""

    location: CellLocation
    words: tuple[str, ...]  # the word of code n is words[n - 1]
    categories: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns of 0 and 1."""
        return tuple(category_name(self.location.column, category) for category in self.categories)

    def indicators(self, codes: np.ndarray) -> np.ndarray:
        """Return codes [n] as columns of 0 and 1 [n, categories]."""
        index = {word: code for code, word in enumerate(self.words, start=1)}
        return np.stack([codes == index.get(category, -1) for category in self.categories], axis=1).astype(
            np.float64
        )


def read_categories(
    codes: np.ndarray,
    vocabulary: Vocabulary,
    location: CellLocation,
    lines: np.ndarray,
    times: np.ndarray,
    *,
    of_series: bool = False,
) -> TextColumn:
    """Return a text column with the categories of the run, or without a run with the most frequent ones.

    The frequencies are those of the older half of the rows, so that no later row decides. `prepare` drops categories
    that do not appear in training rows.

    Args:
        codes: code of each row [R].
        vocabulary: words of the codes.
        location: file and column, for messages.
        lines: line of each row [R].
        times: time of each row [R].
        of_series: if True, there is one code for each series, and not for each row.
    """
    words = chosen = vocabulary.words
    findings = [*_missing_finding(codes, location, lines)]
    if vocabulary.mixed:
        findings += _mixed_finding(codes, words, location, lines)
    if vocabulary.known is not None:
        chosen = tuple(vocabulary.known)
        unit = ("series", "series") if of_series else ("cell", "cells")
        findings += _new_categories_finding(codes, words, chosen, location, lines, unit)
    elif set(words) <= set(TRUTHS):
        chosen = tuple(word for word in words if word == "true") or words
    elif len(words) > MAX_CATEGORIES:
        middle = np.partition(times, len(times) // 2)[len(times) // 2]
        counts = np.bincount(codes[times <= middle].astype(np.int64), minlength=len(words) + 1)[1:]
        order = np.argsort(-counts, kind="stable")[:MAX_CATEGORIES]
        chosen = tuple(words[index] for index in sorted(order.tolist()))
        findings.append(
            Finding.at(
                location.file_only,
                "D240",
                f"{len(words):,} categories are too many: the {MAX_CATEGORIES} most frequent ones of the older half of "
                "the rows are used, and the others count as 'other' (no option for this; join categories in the file)",
                count=len(words) - MAX_CATEGORIES,
            )
        )
    return TextColumn(location=location, words=words, categories=chosen, findings=tuple(findings))


def _new_categories_finding(
    codes: np.ndarray,
    words: Sequence[str],
    known: Sequence[str],
    location: CellLocation,
    lines: np.ndarray,
    unit: tuple[str, str],
) -> Iterator[Finding]:
    """Yield a finding about cells [R] whose category is not a known one; unit: what they are, also as plural."""
    truths = TRUTHS if set(known) <= set(TRUTHS) else ()
    new = {code: word for code, word in enumerate(words, start=1) if word not in (*known, *truths)}
    if not new:
        return
    is_new = np.isin(codes, list(new))
    count = int(is_new.sum())
    noun = "new category" if len(new) == 1 else f"{len(new):,} new categories"
    yield Finding.at(
        location.at(int(lines[np.argmax(is_new)])),
        "D242",
        f"{noun} {quote_names(list(new.values()))} in {count_noun(count, *unit)}: unknown to the model, so counted as "
        "'other' (no option for this; train with rows that have it)",
        count=count,
    )


def _mixed_finding(
    codes: np.ndarray, words: Sequence[str], location: CellLocation, lines: np.ndarray
) -> Iterator[Finding]:
    """Yield a finding about cells [R] that are no digits, in a column of which some cells are."""
    letters = {code: word for code, word in enumerate(words, start=1) if not is_number(word)}
    found = np.isin(codes, list(letters))
    count = int(found.sum())
    if count:
        flags = " ".join(map(na_value_flag, letters.values()))
        yield Finding.at(
            location.at(int(lines[np.argmax(found)])),
            "D245",
            f"the column has digits and {count_noun(count, 'word')} {quote_names(list(letters.values()))}, so it was "
            f"read as categories (use {flags} if the column holds numbers)",
            count=count,
            flags=("--na-value",),
        )


def _missing_finding(codes: np.ndarray, location: CellLocation, lines: np.ndarray) -> Iterator[Finding]:
    """Yield a finding about missing cells [R], if there are any."""
    missing = codes == 0
    count = int(missing.sum())
    if count:
        yield Finding.at(
            location.at(int(lines[np.argmax(missing)])),
            "D241",
            f"{count_noun(count, 'missing value')} in a column of categories, counted as 'other' (use --missing refuse "
            "to allow none)",
            count=count,
            flags=("--missing",),
        )


@dataclass(frozen=True, kw_only=True)
class TextColumns:
    """Text columns among the F columns of a file that became numbers."""

    columns: Mapping[str, TextColumn]

    @staticmethod
    def read(
        values: np.ndarray,
        locations: Sequence[CellLocation],
        vocabularies: Mapping[str, Vocabulary],
        lines: np.ndarray,
        times: np.ndarray,
    ) -> "TextColumns":
        """Return the text columns with their categories, see `read_categories`.

        Args:
            values: numbers, and codes of text columns, [R, F].
            locations: file and name of each column [F].
            vocabularies: words of the text columns.
            lines: line of each row [R].
            times: time of each row [R].
        """
        return TextColumns(
            columns={
                location.column: read_categories(
                    values[:, index], vocabularies[location.column], location, lines, times
                )
                for index, location in enumerate(locations)
                if location.column in vocabularies
            }
        )

    @property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """Return the categories of each text column."""
        return {name: column.categories for name, column in self.columns.items()}

    @property
    def findings(self) -> list[Finding]:
        """Return the findings of all text columns."""
        return [finding for column in self.columns.values() for finding in column.findings]

    def expand(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the input columns of the columns of the file."""
        return tuple(
            chain.from_iterable(
                self.columns[name].names if name in self.columns else (name,) for name in names
            )
        )

    def encoder(self, names: Sequence[str]) -> Callable[[np.ndarray], np.ndarray]:
        """Return a function of rows [n, F] of the columns `names` that gives the input columns [n, F']."""

        def encode(values: np.ndarray) -> np.ndarray:
            parts = [
                self.columns[name].indicators(values[:, index])
                if name in self.columns
                else values[:, index : index + 1]
                for index, name in enumerate(names)
            ]
            return np.concatenate(parts, axis=1)

        return encode
