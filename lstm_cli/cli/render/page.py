"""A page of lines and tables for a person, or one JSON object. The result of a command: it goes to stdout."""

import io
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from lstm_cli.cli.stdio import (
    as_one_line,
    is_interactive,
    is_terminal,
    name_stdout_errors,
    terminal_width,
    wrap_line,
)

if TYPE_CHECKING:
    from rich.text import Text

GAP = 3  # blanks between two columns of a table
KEPT = "\ue000"  # stands for a blank that Rich would cut from the end of a cell; in no name, see one_line


class Report(Protocol):
    """What every step returns."""

    def to_json(self) -> dict[str, Any]:
        """The object that --json prints."""


class Page:
    """Lines and tables one below the other: drawn by Rich, without a colour where nobody could see it.

    They are kept until `text` is asked for: Rich has an ending of its own for a closed pipe, and so have we.
    """

    def __init__(self) -> None:
        from rich.console import Console

        lively = is_interactive(sys.stdout)
        self._folded = lively or is_terminal(sys.stdout)
        self._drawn = io.StringIO()
        self._console = Console(
            file=self._drawn,
            force_terminal=lively,
            color_system="auto" if lively else None,
            width=terminal_width(sys.stdout)
            if self._folded
            else 1000,  # a pipe has no width: nothing is folded
            highlight=False,
            markup=False,
            emoji=False,
        )

    def line(self, text: str, style: str = "", *, indent: int = 4) -> None:
        """Add a line of text. A terminal gets it folded between words; a pipe gets one line, for grep."""
        whole = as_one_line(text)
        if self._folded:
            whole = wrap_line(whole, self._console.width, indent=indent)
        self._console.print(whole, style=style or None, soft_wrap=True)

    def text(self) -> str:
        """All of it, without blanks at the ends of lines."""
        drawn = self._drawn.getvalue().replace(KEPT, " ")
        return "".join(f"{line.rstrip()}\n" for line in drawn.splitlines())

    def blank(self) -> None:
        """An empty line."""
        self._console.print()

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Add names with a text each, one a line."""
        pairs = list(pairs)
        width = max(len(name) for name, _ in pairs)
        for name, text in pairs:
            self.line(f"{name:{width}}  {text}", indent=width + 2)

    def table(
        self,
        header: Sequence[str],
        rows: Iterable[Sequence[str]],
        best: Sequence[int] = (),
        *,
        words: Sequence[int] = (0,),
    ) -> None:
        """Add a table of figures beside a column of text, or several.

        best: the row to mark in each column of figures. words: the places of the columns of text. Where the terminal
        is too narrow, figures are never cut: the columns that do not fit stand in a second table below, beside the
        first column again. Text is folded between words.
        """
        cells = [
            [self._cell(row, place, index, best) for place in range(len(row))]
            for index, row in enumerate(rows)
        ]
        widths = [max([len(name), *(len(row[place]) for row in cells)]) for place, name in enumerate(header)]
        for count, places in enumerate(_blocks(widths, words, self._console.width)):
            if count:
                self.blank()
            self._block(
                [header[place] for place in places],
                [[row[place] for place in places] for row in cells],
                [place in words for place in places],
            )

    @staticmethod
    def _cell(row: Sequence[str], place: int, index: int, best: Sequence[int]) -> "Text":
        from rich.text import Text

        marked = bool(best) and place > 0 and best[place - 1] == index
        # the mark has a place of its own in each cell, so that figures stand below each other
        mark = "" if not best or not place else " *" if marked else KEPT * 2
        return Text(as_one_line(row[place]) + mark, "bold green" if marked else "")

    def _block(self, header: Sequence[str], rows: Sequence[Sequence["Text"]], words: Sequence[bool]) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for name, is_text in zip(header, words, strict=True):
            table.add_column(
                name, justify="left" if is_text else "right", no_wrap=not is_text, overflow="fold"
            )
        for row in rows:
            table.add_row(*row)
        self._console.print(table)


def _blocks(widths: Sequence[int], words: Sequence[int], width: int) -> list[list[int]]:
    """Return the columns of each table, of those that the first column and the others need in `width` columns.

    >>> _blocks([10, 8, 8, 8], (0,), 80), _blocks([10, 8, 8, 8], (0,), 33)
    ([[0, 1, 2, 3]], [[0, 1, 2], [0, 3]])
    """
    # A column of text can be folded: it needs half of the terminal at most.
    need = [min(one, width // 2) if place in words else one for place, one in enumerate(widths)]
    blocks = [[0]]
    taken = need[0]
    for place in range(1, len(need)):
        if len(blocks[-1]) > 1 and taken + GAP + need[place] > width and place not in words:
            blocks.append([0])
            taken = need[0]
        blocks[-1].append(place)
        taken += GAP + need[place]
    return blocks


def print_page(report: Any, draw: Callable[[Any, Page], None]) -> None:
    """Print what `draw` lays out for a person."""
    page = Page()
    draw(report, page)
    with name_stdout_errors():
        sys.stdout.write(page.text())


def print_json(report: Report) -> None:
    """Print a report as one JSON object on one line."""
    import json

    text = json.dumps(report.to_json(), ensure_ascii=False, allow_nan=False)
    with name_stdout_errors():
        sys.stdout.write(text + "\n")
