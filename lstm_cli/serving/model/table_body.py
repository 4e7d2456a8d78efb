"""Bodies as sources of the reader of files."""

from collections.abc import Mapping, Sequence

from lstm_cli.config.extras import require_installed
from lstm_cli.data.reading.source import Cell, InMemory, InMemoryRecords, is_packed
from lstm_cli.serving.model.json_body import BODY
from lstm_cli.serving.model.media_types import PARQUET
from lstm_cli.serving.model.request import BodyTooLarge, MalformedBody

MAX_CELLS = 20_000_000  # rows times columns of a Parquet body, whose equal values take almost no bytes
PARQUET_MARK = b"PAR1"


def records_source(columns: Mapping[str, Sequence[Cell]]) -> InMemory:
    """Return the columns of a JSON body as a source."""
    return InMemoryRecords.of(BODY, columns)


def table_source(body: bytes, *, is_parquet: bool) -> InMemory:
    """Return a CSV or Parquet body as a source. Raise the errors of `read_csv` and `read_parquet`."""
    return read_parquet(body) if is_parquet else read_csv(body)


def read_csv(body: bytes) -> InMemory:
    """Return a CSV body as a source. Raise MalformedBody for a body that is empty, compressed, or Parquet."""
    _require_content(body)
    if is_packed(body[:8]):
        raise MalformedBody(
            "the body is compressed", hint="send it with the header Content-Encoding, or without compression"
        )
    if body.startswith(PARQUET_MARK):
        raise MalformedBody("the body is Parquet, not CSV", hint=f"send it with Content-Type: {PARQUET}")
    return InMemory(BODY, body)


def read_parquet(body: bytes) -> InMemory:
    """Return a Parquet body as a source.

    Raises:
        MalformedBody: the body is empty or not Parquet.
        BodyTooLarge: the table has too many cells.
        UsageError: pyarrow is not installed.
    """
    _require_content(body)
    if not body.startswith(PARQUET_MARK):
        raise MalformedBody(
            "the body is not a Parquet file", hint="send it with the Content-Type of its format"
        )
    require_installed("a Parquet body", "pyarrow")
    from lstm_cli.data.reading.parquet import count_cells

    source = InMemory(BODY, body)
    cells = count_cells(source)
    if cells is None:
        raise MalformedBody("the body is a corrupt Parquet file", hint="write the file again")
    if cells > MAX_CELLS:
        raise BodyTooLarge(
            f"the table of the body has {cells:,} cells, more than {MAX_CELLS:,}",
            hint="send fewer rows at a time",
        )
    return source


def _require_content(body: bytes) -> None:
    if not body.strip():
        raise MalformedBody("the body is empty", hint="send rows with the columns of the run's data")
