"""Write a dataset into a run: the values of a grid are scaled and filled piece by piece.

`data/dataset/load.py` reads what is written here, so that a forecast loads no reader of tables.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from lstm_cli.data.build.assemble import Assembled
from lstm_cli.data.chunks import chunks_with_series, row_chunks
from lstm_cli.data.dataset.dataset import Schema, SeriesTable, describe_dataset
from lstm_cli.data.dataset.imputation import Imputer, impute, zero_before_first
from lstm_cli.data.dataset.load import DROPPED, MEASURED, VALUES
from lstm_cli.data.dataset.scaling import Scaler
from lstm_cli.data.grid.regular_grid import Grid
from lstm_cli.data.parallel import ordered_map
from lstm_cli.data.quality.overflow import float32_overflow_error
from lstm_cli.data.reading.table import Table
from lstm_cli.events import Listener, Progressed
from lstm_cli.rundir import ArtifactFolder


def scale_and_fill(series: Sequence[np.ndarray], scaler: Scaler, schema: Schema) -> np.ndarray:
    """Return rows [T, F] float32 of series one after another, as `prepare` scales and fills them and a model sees them.

    series: of each [rows, F] in the file's units, NaN where missing. With a log transform the fill is made in the
    file's units, as it was before training took the logarithm.
    """
    pieces = []
    for one, rows in enumerate(series):
        if scaler.log_transformed:
            values = scaler.transform(impute(rows, how=schema.missing, season=schema.season), one)
            zero_before_first(values, ~np.isnan(rows))
        else:
            values = impute(scaler.transform(rows, one), how=schema.missing, season=schema.season)
        pieces.append(values)
    return np.concatenate(pieces).astype(np.float32)


class ScaledValues:
    """Walks over a grid [T, F]."""

    def __init__(self, grid: Grid, series: SeriesTable, schema: Schema, scaler: Scaler, table: Table) -> None:
        """table: where the rows of the grid are from."""
        self._grid, self._series, self._schema = grid, series, schema
        self._scaler, self._table = scaler, table
        self._ends = series.offset + series.count + series.ahead
        self._imputing: tuple[int, Imputer] | None = None  # the series that goes on in the next piece
        self._infinite = np.zeros(len(schema.columns), dtype=bool)
        self._bits: list[np.ndarray] = []  # which cells were measured, eight in a byte
        self._unpacked = np.zeros(0, dtype=bool)  # those that fill no byte yet

    def measured(self) -> np.ndarray:
        """After the last piece: which cells were measured, as `dataset.pack` has them."""
        return np.concatenate([*self._bits, np.packbits(self._unpacked)])

    def pieces(self) -> Iterator[np.ndarray]:
        """Rows [n, F] float32, scaled and filled, one piece after another.

        Raises DataError, at the end, where a column is too large for 32-bit floats.
        """
        rows = chunks_with_series(self._series.offset, self._grid.rows)
        for span, which, measured, scaled in ordered_map(self._scale, rows):
            cells = (
                np.concatenate([self._unpacked, measured.reshape(-1)])
                if len(self._unpacked)
                else measured.reshape(-1)
            )
            whole = len(cells) // 8 * 8
            self._bits.append(np.packbits(cells[:whole]))
            self._unpacked = cells[whole:]
            with np.errstate(over="ignore"):
                self._fill(scaled, measured, span, which)
                piece = scaled.astype(np.float32)
            self._infinite |= ~np.isfinite(piece).all(axis=0)
            yield piece
        if self._infinite.any():
            raise float32_overflow_error(self._table, int(np.argmax(self._infinite)), self._scaler.kind)

    def _scale(self, place: tuple[slice, np.ndarray]) -> tuple[slice, np.ndarray, np.ndarray, np.ndarray]:
        """A span of rows, the series that they are of, which cells [n, F] were measured, and their scaled values."""
        span, which = place
        values = self._grid.values_between(span.start, span.stop)
        with np.errstate(over="ignore"):
            scaled = self._scaler.transform(values, int(which[0]) if len(which) == 1 else which)
        return span, which, ~np.isnan(values), scaled

    def _fill(self, scaled: np.ndarray, measured: np.ndarray, span: slice, which: np.ndarray) -> None:
        """Fill the rows of a piece in place, series by series; those that neither lack nor go on are passed over."""
        lacking = np.flatnonzero(~measured.all(axis=1))
        ones = np.full(len(lacking), which[0]) if len(which) == 1 else which[lacking]
        asked = set(ones.tolist()) | {int(which[0]), int(which[-1])}
        for one in sorted(asked):
            begin, end = int(self._series.offset[one]), int(self._ends[one])
            rows = slice(max(begin, span.start) - span.start, min(end, span.stop) - span.start)
            if end <= span.stop and begin >= span.start and measured[rows].all():
                continue
            filling = (
                self._imputing[1] if self._imputing and self._imputing[0] == one else self._new_imputer()
            )

            def following(column: int, one: int = one) -> tuple[int, float] | None:
                return self._next_measured(one, column, span)

            filling.fill(scaled[rows], following if end > span.stop else None)
            self._imputing = (one, filling)

    def _new_imputer(self) -> Imputer:
        return Imputer(len(self._schema.columns), how=self._schema.missing, season=self._schema.season)

    def _next_measured(self, one: int, column: int, span: slice) -> tuple[int, float] | None:
        """The next measured value of a column of a series after a piece, scaled, and its row counted in the piece."""
        first = max(int(self._series.offset[one]), span.start)
        for ahead in row_chunks(int(self._ends[one]) - span.stop):
            begin = span.stop + ahead.start
            values = self._grid.values_between(begin, span.stop + ahead.stop)
            known = np.flatnonzero(~np.isnan(values[:, column]))
            if len(known):
                row = int(known[0])
                scaled = self._scaler.transform(values[row : row + 1], one)
                return begin + row - first, float(scaled[0, column])
        return None


def store_dataset(assembled: Assembled, table: Table, folder: ArtifactFolder, listen: Listener) -> None:
    """Scales and fills the values and writes the dataset into a new folder of the run, never whole in memory.

    table: what it was assembled from. Raises DataError where a column is too large for 32-bit floats.
    """
    scaled = ScaledValues(assembled.grid, assembled.series, assembled.schema, assembled.scaler, table)
    rows, columns = assembled.grid.rows, len(assembled.schema.columns)

    def heard() -> Iterator[np.ndarray]:
        done = 0
        for piece in scaled.pieces():
            yield piece
            done += len(piece)
            listen(Progressed(stage="writing", done=done, total=rows, unit="rows"))

    folder.write_pieces(VALUES, heard(), shape=(rows, columns), dtype=np.float32)
    folder.write_array(MEASURED, scaled.measured())
    for name, content in describe_dataset(assembled).items():
        folder.write_json(name, content)
    if len(assembled.dropped.values):
        folder.write_json(DROPPED, assembled.dropped.to_dict())
