"""A dataset on its way into a run directory; stored.py reads it, so that a forecast loads no reader of tables."""

from collections.abc import Iterator

import numpy as np

from lstm_cli.data.assemble import Assembled
from lstm_cli.data.dataset import describe
from lstm_cli.data.scaled import ScaledValues
from lstm_cli.data.stored import DROPPED, MEASURED, VALUES
from lstm_cli.data.table import Table
from lstm_cli.events import Listener, Progressed
from lstm_cli.rundir import Folder


def store_dataset(found: Assembled, table: Table, folder: Folder, listen: Listener) -> None:
    """Scales and fills the values and writes the dataset into a new folder of the run, never whole in memory.

    table: what it was assembled from. Raises DataError where a column is too large for 32-bit floats.
    """
    scaled = ScaledValues(found.grid, found.series, found.schema, found.scaler, table)
    rows, columns = found.grid.rows, len(found.schema.columns)

    def heard() -> Iterator[np.ndarray]:
        done = 0
        for piece in scaled.pieces():
            yield piece
            done += len(piece)
            listen(Progressed(stage="writing", done=done, total=rows, unit="rows"))

    folder.write_pieces(VALUES, heard(), shape=(rows, columns), dtype=np.float32)
    folder.write_array(MEASURED, scaled.measured())
    for name, content in describe(found).items():
        folder.write_json(name, content)
    if len(found.dropped.values):
        folder.write_json(DROPPED, found.dropped.to_dict())
