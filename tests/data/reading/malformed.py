"""Building blocks of malformed files: a good file, and changes to it.

The good file holds 40 days of load as plain CSV. A case is read or refused. If it is read, `warnings` has words for
each warning. If it is refused, `message_words` has words of the message. The cases are in `malformed_files.py` and
`malformed_cells.py`, one on each line. `test_malformed.py` passes each case to `lstm prepare --json`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import BytesIO

ROWS = 40
VALUES = [(row * 37 % 101) / 4 + 3 for row in range(400)]
TOTAL = sum(VALUES[:ROWS])
START, END = "2021-01-04T00:00:00", "2021-02-12T00:00:00"


@dataclass(frozen=True, kw_only=True)
class Case:
    """File, options, and the expected result of `lstm prepare`."""

    name: str
    data: bytes
    options: tuple[str, ...]
    message_words: tuple[str, ...] = ()  # words of the error; empty if the file is read
    code: int = 3
    warnings: tuple[str, ...] = ()  # words of each warning
    rows: int = ROWS
    total: float = TOTAL
    series: int = 1
    start: str | None = START
    end: str | None = END


def read(
    name: str, data: str | bytes, *options: str, warnings: Iterable[str] = (), **expected: object
) -> Case:
    return Case(name=name, data=_bytes(data), options=options, warnings=tuple(warnings), **expected)  # type: ignore[arg-type]


def refuse(name: str, data: str | bytes, *words: str, options: Sequence[str] = (), code: int = 3) -> Case:
    return Case(name=name, data=_bytes(data), options=tuple(options), message_words=words, code=code)


def _bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data


# Building blocks. Lines are counted from 1, as messages do: line 1 is the header, line 2 the first row.


def day(row: int) -> date:
    return date(2021, 1, 4) + timedelta(row)


def hour(row: int, minutes: int = 60) -> datetime:
    return datetime(2021, 3, 1) + timedelta(minutes=minutes * row)


def table(header: str, *columns: Iterable[object], delimiter: str = ",") -> str:
    rows = (delimiter.join(map(str, cells)) for cells in zip(*columns, strict=False))
    return "\n".join([header, *rows]) + "\n"


def values(rows: int = ROWS) -> list[str]:
    return [f"{value:g}" for value in VALUES[:rows]]


def with_times(cells: Callable[[int], object], rows: int = ROWS, name: str = "date") -> str:
    """Return the good file with other times."""
    return table(f"{name},load", map(cells, range(rows)), values(rows))


def with_loads(cells: Callable[[int], object], rows: int = ROWS, mark: str = ",") -> str:
    """Return the good file with other loads."""
    return table(f"date{mark}load", map(day, range(rows)), map(cells, range(rows)), delimiter=mark)


def with_load(text: str, line: int = 7) -> str:
    """Return the good file with another load in one line."""
    text = f'"{text}"' if "," in text else text
    return with_loads(lambda row: text if row == line - 2 else f"{VALUES[row]:g}")


def with_time(text: str, line: int = 12) -> str:
    """Return the good file with another time in one line."""
    return with_times(lambda row: text if row == line - 2 else day(row))


def replace_line(line: int, *texts: str) -> str:
    """Return the good file with one line replaced."""
    lines = GOOD.splitlines()
    return "\n".join([*lines[: line - 1], *texts, *lines[line:]]) + "\n"


def insert_lines(line: int, *texts: str) -> str:
    """Return the good file with lines inserted above one line."""
    lines = GOOD.splitlines()
    return "\n".join([*lines[: line - 1], *texts, *lines[line - 1 :]]) + "\n"


def with_note(note: str) -> str:
    """Return the good file with a column of notes, and the given note in line 7."""
    return table(
        "date,load,note", map(day, range(ROWS)), values(), (note if row == 5 else "n" for row in range(ROWS))
    )


def panel(names: Sequence[str], rows: int | Sequence[int] = ROWS, *, blocks: bool = False) -> str:
    """Return a panel with a row for each day and shop, sorted by day or (blocks) by shop."""
    lengths = [rows] * len(names) if isinstance(rows, int) else list(rows)
    cells = [(row, shop) for shop, length in enumerate(lengths) for row in range(length)]
    cells = cells if blocks else sorted(cells)
    lines = [f"{day(row)},{names[shop]},{VALUES[row + 7 * shop]:g}" for row, shop in cells]
    return "\n".join(["date,shop,load", *lines]) + "\n"


def panel_total(*shops: int, rows: int = ROWS) -> float:
    """Return the sum over some shops of a panel."""
    return sum(sum(VALUES[7 * shop : 7 * shop + rows]) for shop in shops)


GOOD = with_loads(lambda row: f"{VALUES[row]:g}")
BODY = GOOD.partition("\n")[2]
UNIT_STEPS = "no time column found"
NO_TIMES = {"start": None, "end": None}
NUMBERS_AS_TIMES = "use --time to choose another column"
SHOP = ("--series", "shop")
LOAD = ("--target", "load")
LETTERS = "Gr\u00f6\u00dfe", "Gro\u0308\u00dfe"  # one word in the Unicode forms NFC and NFD


def parquet(rows: int) -> bytes:
    import pyarrow
    from pyarrow import parquet as files

    sink = BytesIO()
    days = pyarrow.array(
        [datetime(2021, 1, 4) + timedelta(row) for row in range(rows)], pyarrow.timestamp("us")
    )
    files.write_table(
        pyarrow.table({"date": days, "load": pyarrow.array(VALUES[:rows], pyarrow.float64())}), sink
    )
    return sink.getvalue()
