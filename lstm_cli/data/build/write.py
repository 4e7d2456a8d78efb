"""Writing of a dataset to a run: the values of a grid are scaled and imputed chunk by chunk.

`data/dataset/load.py` reads the files, so that a forecast imports no table reader.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from lstm_cli.data.build.assemble import Assembled
from lstm_cli.data.chunks import chunks_with_series, row_chunks
from lstm_cli.data.dataset.dataset import Schema, SeriesTable, describe_dataset
from lstm_cli.data.dataset.imputation import Imputer, impute, zero_before_first
from lstm_cli.data.dataset.load import DROPPED, MEASURED, SHORT, SHORT_ROWS, VALUES
from lstm_cli.data.dataset.scaling import Scaler
from lstm_cli.data.grid.regular_grid import Grid
from lstm_cli.data.parallel import ordered_map
from lstm_cli.data.quality.overflow import float32_overflow_error
from lstm_cli.data.reading.table import Table
from lstm_cli.events import Listener, Progressed
from lstm_cli.rundir import ArtifactFolder


def scale_and_fill(series: Sequence[np.ndarray], scaler: Scaler, schema: Schema) -> np.ndarray:
    """Return rows [T, F] float32 of series one after another, scaled and imputed as in `prepare`.

    With a log transform the values are imputed in the file's units, because `prepare` imputes before training takes the
    logarithm.

    Args:
        series: for each series [rows, F] in the file's units, NaN where missing.
        scaler: fitted scaler.
        schema: columns and imputation of the data.
    """
    pieces = [np.zeros((0, len(schema.columns)))]  # also the result without any series
    for index, rows in enumerate(series):
        if scaler.log_transformed:
            values = scaler.transform(impute(rows, method=schema.missing, season=schema.season), index)
            zero_before_first(values, ~np.isnan(rows))
        else:
            values = impute(scaler.transform(rows, index), method=schema.missing, season=schema.season)
        pieces.append(values)
    return np.concatenate(pieces).astype(np.float32)


class ScaledValues:
    """Scaled and imputed values of a grid [T, F], computed chunk by chunk."""

    def __init__(self, grid: Grid, series: SeriesTable, schema: Schema, scaler: Scaler, table: Table) -> None:
        self._grid, self._series, self._schema = grid, series, schema
        self._scaler, self._table = scaler, table
        self._ends = series.offset + series.count + series.ahead
        self._imputing: tuple[int, Imputer] | None = None  # series that continues in the next chunk
        self._infinite = np.zeros(len(schema.columns), dtype=bool)
        self._bits: list[np.ndarray] = []  # mask of measured cells, eight per byte
        self._unpacked = np.zeros(0, dtype=bool)  # last cells, fewer than a byte

    def measured(self) -> np.ndarray:
        """Return the packed mask of measured cells (`pack_mask`), after the last chunk."""
        return np.concatenate([*self._bits, np.packbits(self._unpacked)])

    def pieces(self) -> Iterator[np.ndarray]:
        """Yield scaled and imputed rows [n, F] float32, chunk by chunk.

        Raises:
            DataError: at the end, if a column is too large for 32-bit floats.
        """
        rows = chunks_with_series(self._series.offset, self._grid.rows)
        for span, series_index, measured, scaled in ordered_map(self._scale, rows):
            cells = (
                np.concatenate([self._unpacked, measured.reshape(-1)])
                if len(self._unpacked)
                else measured.reshape(-1)
            )
            whole = len(cells) // 8 * 8
            self._bits.append(np.packbits(cells[:whole]))
            self._unpacked = cells[whole:]
            with np.errstate(over="ignore"):
                self._fill(scaled, measured, span, series_index)
                piece = scaled.astype(np.float32)
            self._infinite |= ~np.isfinite(piece).all(axis=0)
            yield piece
        if self._infinite.any():
            raise float32_overflow_error(self._table, int(np.argmax(self._infinite)), self._scaler.kind)

    def _scale(self, chunk: tuple[slice, np.ndarray]) -> tuple[slice, np.ndarray, np.ndarray, np.ndarray]:
        """Return a span of rows, its series index, its mask of measured cells [n, F] and its scaled values."""
        span, series_index = chunk
        values = self._grid.values_between(span.start, span.stop)
        with np.errstate(over="ignore"):
            scaled = self._scaler.transform(
                values, int(series_index[0]) if len(series_index) == 1 else series_index
            )
        return span, series_index, ~np.isnan(values), scaled

    def _fill(self, scaled: np.ndarray, measured: np.ndarray, span: slice, series_index: np.ndarray) -> None:
        """Impute the rows of a chunk in place, series by series; complete series are skipped."""
        incomplete = np.flatnonzero(~measured.all(axis=1))
        incomplete_series = (
            np.full(len(incomplete), series_index[0]) if len(series_index) == 1 else series_index[incomplete]
        )
        candidates = set(incomplete_series.tolist()) | {int(series_index[0]), int(series_index[-1])}
        for index in sorted(candidates):
            begin, end = int(self._series.offset[index]), int(self._ends[index])
            rows = slice(max(begin, span.start) - span.start, min(end, span.stop) - span.start)
            if end <= span.stop and begin >= span.start and measured[rows].all():
                continue
            imputer = (
                self._imputing[1] if self._imputing and self._imputing[0] == index else self._new_imputer()
            )

            def next_measured(column: int, index: int = index) -> tuple[int, float] | None:
                return self._next_measured(index, column, span)

            imputer.fill(scaled[rows], next_measured if end > span.stop else None)
            self._imputing = (index, imputer)

    def _new_imputer(self) -> Imputer:
        return Imputer(len(self._schema.columns), method=self._schema.missing, season=self._schema.season)

    def _next_measured(self, index: int, column: int, span: slice) -> tuple[int, float] | None:
        """Return the next measured value of a column after a chunk, scaled, and its row counted in the chunk."""
        first = max(int(self._series.offset[index]), span.start)
        for ahead in row_chunks(int(self._ends[index]) - span.stop):
            begin = span.stop + ahead.start
            values = self._grid.values_between(begin, span.stop + ahead.stop)
            known = np.flatnonzero(~np.isnan(values[:, column]))
            if len(known):
                row = int(known[0])
                scaled = self._scaler.transform(values[row : row + 1], index)
                return begin + row - first, float(scaled[0, column])
        return None


def store_dataset(assembled: Assembled, folder: ArtifactFolder, listen: Listener) -> None:
    """Scale and impute the values, and write the dataset into a new folder of the run, never whole in memory.

    Args:
        assembled: dataset without values.
        folder: folder to write to.
        listen: receiver of progress events.

    Raises:
        DataError: if a column is too large for 32-bit floats.
    """
    scaled = ScaledValues(
        assembled.grid, assembled.series, assembled.schema, assembled.scaler, assembled.table
    )
    rows, columns = assembled.grid.rows, len(assembled.schema.columns)

    def pieces_with_progress() -> Iterator[np.ndarray]:
        done = 0
        for piece in scaled.pieces():
            yield piece
            done += len(piece)
            listen(Progressed(stage="writing", done=done, total=rows, unit="rows"))

    folder.write_pieces(VALUES, pieces_with_progress(), shape=(rows, columns), dtype=np.float32)
    folder.write_array(MEASURED, scaled.measured())
    for name, content in describe_dataset(assembled).items():
        folder.write_json(name, content)
    if len(assembled.dropped.values):
        folder.write_json(DROPPED, assembled.dropped.to_dict())
    if assembled.short.names:
        folder.write_json(SHORT, assembled.short.to_dict())
        folder.write_array(SHORT_ROWS, np.concatenate(assembled.short.rows))
