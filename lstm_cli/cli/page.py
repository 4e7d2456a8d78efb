"""A page of lines and tables for a person, or one JSON object. The result of a command: it goes to stdout."""

import io
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from lstm_cli.cli.streams import is_lively, one_line, writing_out

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

        lively = is_lively(sys.stdout)
        self._folded = lively
        self._drawn = io.StringIO()
        self._console = Console(
            file=self._drawn,
            force_terminal=lively,
            color_system="auto" if lively else None,
            width=None if lively else 1000,  # a pipe has no width: nothing is folded
            highlight=False,
            markup=False,
            emoji=False,
        )

    def line(self, text: str, style: str = "") -> None:
        """One line of text."""
        self._console.print(one_line(text), style=style or None, soft_wrap=True)

    def passage(self, head: str, text: str, style: str = "") -> None:
        """A sentence behind a word, folded with its lines set in; in a pipe it stays one line, for grep."""
        from textwrap import wrap

        whole = one_line(f"{head}: {text}")
        if self._folded:
            width, indent = self._console.width, " " * 4
            lines = wrap(whole, width, subsequent_indent=indent, break_on_hyphens=False)
            whole = "\n".join(lines)
        self._console.print(whole, style=style or None, soft_wrap=True)

    def text(self) -> str:
        """All of it, without blanks at the ends of lines."""
        drawn = self._drawn.getvalue().replace(KEPT, " ")
        return "".join(f"{line.rstrip()}\n" for line in drawn.splitlines())

    def blank(self) -> None:
        """An empty line."""
        self._console.print()

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Names and what is so, one a line."""
        pairs = list(pairs)
        width = max(len(name) for name, _ in pairs)
        for name, text in pairs:
            self.line(f"{name:{width}}  {text}")

    def table(
        self,
        header: Sequence[str],
        rows: Iterable[Sequence[str]],
        best: Sequence[int] = (),
        *,
        words: Sequence[int] = (0,),
    ) -> None:
        """A table of figures beside a column of text, or several.

        best: the row to mark in each column of figures. words: the places of the columns of text.
        """
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for place, name in enumerate(header):
            table.add_column(name, justify="left" if place in words else "right", no_wrap=True)
        for index, row in enumerate(rows):
            cells = [Text(one_line(row[0]))]
            for place, figure in enumerate(map(one_line, row[1:])):
                marked = bool(best) and best[place] == index
                # the mark has a place of its own in each cell, so that figures stand below each other
                cells.append(
                    Text(
                        figure + (" *" if marked else KEPT * 2 if best else ""),
                        "bold green" if marked else "",
                    )
                )
            table.add_row(*cells)
        self._console.print(table)


def show_page(report: Any, draw: Callable[[Any, Page], None]) -> None:
    """Print what `draw` lays out for a person."""
    page = Page()
    draw(report, page)
    with writing_out():
        sys.stdout.write(page.text())


def show_json(report: Report) -> None:
    """Print a report as one JSON object on one line."""
    import json

    text = json.dumps(report.to_json(), ensure_ascii=False, allow_nan=False)
    with writing_out():
        sys.stdout.write(text + "\n")
