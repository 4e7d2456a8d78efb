"""Output of a command as Markdown, with the methods of `Page`."""

from collections.abc import Collection, Iterable, Sequence

from lstm_cli.cli.stdio import as_one_line

SPECIAL = frozenset("\\`*_[]<>|#&~!")


class MarkdownPage:
    """Page of paragraphs and tables in Markdown. Texts from files are escaped, and stay text."""

    def __init__(self) -> None:
        self._blocks: list[str] = []

    def line(self, text: str, style: str = "", *, indent: int = 4) -> None:
        """Add a paragraph.

        Args:
            text: line of text.
            style: ignored, as in a pipe.
            indent: ignored, because Markdown is not wrapped.
        """
        self._blocks.append(escape_markdown(text))

    def blank(self) -> None:
        """Add nothing, because blocks are separated by empty lines."""

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Add a table with a row for each pair of name and text."""
        self.table(("", ""), pairs, text_columns=(0, 1))

    def table(
        self,
        header: Sequence[str],
        rows: Iterable[Sequence[str]],
        best: Sequence[Collection[int]] = (),
        *,
        text_columns: Sequence[int] = (0,),
        whole_columns: Sequence[int] = (),
    ) -> None:
        """Add a table.

        Args:
            header: title of each column.
            rows: cells of each row.
            best: ignored.
            text_columns: indices of the text columns.
            whole_columns: indices of columns of short texts. All other columns are aligned at the right.
        """
        marks = (
            "---" if column in (*text_columns, *whole_columns) else "---:" for column in range(len(header))
        )
        cells = [[escape_markdown(cell) for cell in row] for row in (header, *rows)]
        cells.insert(1, list(marks))
        self._blocks.append("\n".join(f"| {' | '.join(row)} |" for row in cells))

    def text(self) -> str:
        """Return the page."""
        return "\n\n".join(self._blocks) + "\n"


def escape_markdown(text: str) -> str:
    r"""Return the text as one line in which Markdown and HTML find no marks.

    >>> print(escape_markdown("a|b <i>"))
    a\|b \<i\>
    """
    return "".join(f"\\{char}" if char in SPECIAL else char for char in as_one_line(text))
