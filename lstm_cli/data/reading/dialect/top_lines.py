"""Lines at the top of a text: those to skip, Excel's `sep=;`, and the first ones that are read."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from lstm_cli.config.text import TextSettings
from lstm_cli.errors import DataError
from lstm_cli.findings import NOTE, Finding, at_line, in_file

MAX_LINES = 1000  # enough to skip blank lines above the header and reach the first row
MAX_CHARS = 1 << 22  # of these lines
_SEP_LINE = re.compile(r'"?sep=(\t|[^\w\s"]|)"?\s*', re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class TopLines:
    """First lines of a text below the skipped ones."""

    source: str
    lines: Sequence[str]  # with their line ends
    above: Sequence[str] = field(default=())  # the first skipped lines
    skipped: int = 0  # number of lines above
    excel_delimiter: str | None = None  # delimiter that a first line `sep=;` names

    @property
    def filled(self) -> list[str]:
        """Return the lines that are not blank."""
        return [line for line in self.lines if line.strip()]

    @property
    def first_line(self) -> int:
        """Return the line number of the first line that is not blank."""
        blank = next(index for index, line in enumerate(self.lines) if line.strip())
        return self.skipped + blank + 1

    def without_blanks(self) -> "TopLines":
        """Return the top without its leading blank lines, which count as skipped."""
        blank = self.first_line - self.skipped - 1
        return TopLines(
            source=self.source,
            lines=self.lines[blank:],
            above=self.above,
            skipped=self.skipped + blank,
            excel_delimiter=self.excel_delimiter,
        )


def read_top_lines(text: Iterator[str], source: str, settings: TextSettings) -> TopLines:
    """Return the first lines of a text. The text goes on below these lines.

    Args:
        text: lines of the text.
        source: name of the file, for messages.
        settings: settings of how text is read.

    Raises:
        DataError: no line is left, or all lines are blank.
    """
    lines = list(islice(text, 1))
    excel = _SEP_LINE.fullmatch(lines[0]) if lines else None
    above: list[str] = []
    skipped = 0
    while skipped < max(settings.skip_rows, excel is not None) and lines:
        above += lines if len(above) < MAX_LINES else ()
        skipped += 1
        lines = list(islice(text, 1))
    lines += _next_lines(text)
    if not any(line.strip() for line in lines):
        raise _no_lines_error(source, settings.skip_rows, skipped + len(lines))
    delimiter = None if excel is None else excel.group(1) or "\t"
    return TopLines(source=source, lines=lines, above=above, skipped=skipped, excel_delimiter=delimiter)


def _next_lines(text: Iterator[str]) -> Iterator[str]:
    """Yield the next lines of a text, fewer of very long lines."""
    size = 0
    for line in islice(text, MAX_LINES - 1):
        yield line
        size += len(line)
        if size > MAX_CHARS and line.strip():
            return


def _no_lines_error(source: str, skip_rows: int, lines: int) -> DataError:
    if skip_rows and lines:
        return DataError(
            f"no row is below the {skip_rows:,} lines that --skip-rows skips. The file has {lines:,} lines",
            hint="use a smaller --skip-rows",
            rule="D140",
            at=in_file(source),
            flags=("--skip-rows",),
        )
    return DataError(
        f"{source} contains only blank lines",
        hint="a data file needs a header line and rows below it",
        rule="D104",
    )


def excel_finding(source: str, delimiter: str) -> Finding:
    """Return the note about a first line of Excel that names the delimiter."""
    name = "tab" if delimiter == "\t" else delimiter
    return Finding.at(
        at_line(source, 1),
        "D123",
        f"the line 'sep=' of Excel was skipped, and the delimiter {name!r} that it names was used "
        "(use --delimiter to choose another)",
        severity=NOTE,
        flags=("--delimiter",),
    )
