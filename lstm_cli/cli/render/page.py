"""Output of a command on stdout: lines and tables, or one JSON object."""

import io
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

from lstm_cli.cli.render.markdown import MarkdownPage
from lstm_cli.cli.stdio import (
    as_one_line,
    is_interactive,
    is_terminal,
    name_stdout_errors,
    terminal_width,
    wrap_line,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

COLUMN_GAP = 3  # spaces between two columns of a table
PAD = "\ue000"  # a trailing space of a cell, which Rich would strip; as_one_line escapes it in names


class Report(Protocol):
    """Result of a step."""

    def to_json(self) -> dict[str, Any]:
        """Return the object for --json."""


class Page:
    """Page of lines and tables, drawn by Rich, in color only on a terminal that supports it.

    The page is kept in memory until `text` is called, because Rich handles a closed pipe differently.
    """

    def __init__(self) -> None:
        self._interactive = is_interactive(sys.stdout)
        self._wraps = self._interactive or is_terminal(sys.stdout)
        self._width = terminal_width(sys.stdout) if self._wraps else 1000  # in a pipe, lines are not wrapped
        self._buffer = io.StringIO()

    @cached_property
    def _console(self) -> "Console":
        """Return the console of Rich, which plain lines do not need, because its import takes 20 ms."""
        from rich.console import Console

        return Console(
            file=self._buffer,
            force_terminal=self._interactive,
            color_system="auto" if self._interactive else None,
            width=self._width,
            highlight=False,
            markup=False,
            emoji=False,
        )

    def line(self, text: str, style: str = "", *, indent: int = 4) -> None:
        """Add a line of text, wrapped between words in a terminal but not in a pipe.

        Args:
            text: line of text.
            style: Rich style.
            indent: indentation of wrapped lines.
        """
        line = as_one_line(text)
        if self._wraps:
            line = wrap_line(line, self._width, indent=indent)
        if style and self._interactive:
            self._console.print(line, style=style, soft_wrap=True)
        else:
            self._buffer.write(f"{line}\n")

    def text(self) -> str:
        """Return the page as text, without trailing spaces."""
        drawn = self._buffer.getvalue().replace(PAD, " ")
        return "".join(f"{line.rstrip()}\n" for line in drawn.splitlines())

    def blank(self) -> None:
        """Add an empty line."""
        self._buffer.write("\n")

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Add one line for each pair of name and text."""
        pairs = list(pairs)
        width = max(len(name) for name, _ in pairs)
        for name, text in pairs:
            self.line(f"{name:{width}}  {text}", indent=width + 2)

    def table(
        self,
        header: Sequence[str],
        rows: Iterable[Sequence[str]],
        best: Sequence[Collection[int]] = (),
        *,
        text_columns: Sequence[int] = (0,),
        whole_columns: Sequence[int] = (),
    ) -> None:
        """Add a table of text columns and number columns.

        Numbers are never cut. If the terminal is too narrow, the remaining columns follow in a second table, which
        repeats the first column. Text is wrapped between words.

        Args:
            header: title of each column.
            rows: cells of each row.
            best: indices of the rows to mark, for each column after the first.
            text_columns: indices of the text columns.
            whole_columns: indices of columns of short texts, which are not wrapped either.
        """
        cells = [
            [self._cell(row, column, index, best) for column in range(len(row))]
            for index, row in enumerate(rows)
        ]
        widths = [
            max([len(name), *(len(row[column]) for row in cells)]) for column, name in enumerate(header)
        ]
        for count, columns in enumerate(_split_columns(widths, text_columns, self._width)):
            if count:
                self.blank()
            self._add_table(
                [header[column] for column in columns],
                [[row[column] for column in columns] for row in cells],
                [column in text_columns for column in columns],
                [column in whole_columns for column in columns],
            )

    @staticmethod
    def _cell(row: Sequence[str], column: int, index: int, best: Sequence[Collection[int]]) -> "Text":
        from rich.text import Text

        marked = bool(best) and column > 0 and index in best[column - 1]
        # Each cell reserves room for the mark, so that the numbers are aligned.
        mark = "" if not best or not column else " *" if marked else PAD * 2
        return Text(as_one_line(row[column]) + mark, "bold green" if marked else "")

    def _add_table(
        self,
        header: Sequence[str],
        rows: Sequence[Sequence["Text"]],
        is_text_column: Sequence[bool],
        is_whole_column: Sequence[bool],
    ) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for name, is_text, is_whole in zip(header, is_text_column, is_whole_column, strict=True):
            justify: Literal["left", "right"] = "left" if is_text or is_whole else "right"
            table.add_column(name, justify=justify, no_wrap=not is_text, overflow="fold")
        for row in rows:
            table.add_row(*row)
        self._console.print(table)


def _split_columns(widths: Sequence[int], text_columns: Sequence[int], width: int) -> list[list[int]]:
    """Return the columns of each table, if the terminal has `width` columns; the first column is in each table.

    >>> _split_columns([10, 8, 8, 8], (0,), 80), _split_columns([10, 8, 8, 8], (0,), 33)
    ([[0, 1, 2, 3]], [[0, 1, 2], [0, 3]])
    """
    # A text column can be wrapped, so it needs at most half of the terminal.
    needed = [min(size, width // 2) if column in text_columns else size for column, size in enumerate(widths)]
    tables = [[0]]
    used = needed[0]
    for column in range(1, len(needed)):
        too_wide = used + COLUMN_GAP + needed[column] > width
        if len(tables[-1]) > 1 and too_wide and column not in text_columns:
            tables.append([0])
            used = needed[0]
        tables[-1].append(column)
        used += COLUMN_GAP + needed[column]
    return tables


def print_page(report: Any, draw: Callable[[Any, Any], None], *, as_markdown: bool = False) -> None:
    """Print the page that `draw` makes from a report.

    Args:
        report: report of a step.
        draw: function that adds the report to a page.
        as_markdown: whether the page is Markdown.
    """
    page: Page | MarkdownPage = MarkdownPage() if as_markdown else Page()
    draw(report, page)
    with name_stdout_errors():
        sys.stdout.write(page.text())


def print_json(report: Report) -> None:
    """Print a report as one JSON object on one line."""
    import json

    text = json.dumps(report.to_json(), ensure_ascii=False, allow_nan=False)
    with name_stdout_errors():
        sys.stdout.write(text + "\n")
