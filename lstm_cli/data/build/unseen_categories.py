"""Categories without a training row: a model learns nothing about them, so they count as `other`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lstm_cli.data.category_names import category_name, category_sources
from lstm_cli.data.chunks import RowSlices, row_chunks
from lstm_cli.data.locations import quote_name, quote_names
from lstm_cli.data.reading.table import Table
from lstm_cli.findings import Finding, in_file


def drop_unseen_categories(table: Table, training: Sequence[RowSlices]) -> tuple[Table, list[Finding]]:
    """Return the table without the columns of categories that no training row has, and findings about them.

    Args:
        table: rows of the file.
        training: for each series its training rows [rows, F].
    """
    columns = np.isin(table.columns, list(category_sources(table.categories)))
    if not columns.any():
        return table, []
    seen = np.zeros(len(columns), dtype=bool)
    for rows in training:
        for span in row_chunks(len(rows)):
            seen |= (rows[span] > 0).any(axis=0)
    unseen = columns & ~seen
    if not unseen.any():
        return table, []
    kept = [name for name, dropped in zip(table.columns, unseen, strict=True) if not dropped]
    findings, categories = [], {}
    for column, known in table.categories.items():
        left = tuple(category for category in known if category_name(column, category) in kept)
        if left:
            categories[column] = left
        if len(left) < len(known):
            findings.append(_finding(table, column, [category for category in known if category not in left]))
    return _select_columns(table, ~unseen, categories), findings


def _select_columns(table: Table, keep: np.ndarray, categories: Mapping[str, tuple[str, ...]]) -> Table:
    columns = tuple(name for name, kept in zip(table.columns, keep, strict=True) if kept)
    return replace(
        table,
        columns=columns,
        past=tuple(name for name in table.past if name in columns),
        future=tuple(name for name in table.future if name in columns),
        values=table.values[:, keep],
        categories=categories,
    )


def _finding(table: Table, column: str, unseen: Sequence[str]) -> Finding:
    noun = "category" if len(unseen) == 1 else f"{len(unseen)} categories"
    return Finding.at(
        in_file(table.source),
        "D640",
        f"{noun} {quote_names(unseen)} of {quote_name(column)} in no training row, so counted as 'other' (use --start, "
        "--val or --test to train on other rows)",
        column=column,
        count=len(unseen),
        flags=("--start", "--val", "--test"),
    )
