"""Predicted classes as a table with typed columns, for Parquet files and DataFrames."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.sequences.dataset import SequenceSchema

if TYPE_CHECKING:
    import pyarrow

PREFIX = "p_"  # of the column of a probability


def header_of(schema: SequenceSchema) -> list[str]:
    """Return the names of the columns: id, predicted class, and a probability for each class."""
    id_column = schema.sequence or ("row" if schema.tokens else "sequence")
    return [id_column, "predicted", *(f"{PREFIX}{name}" for name in schema.classes)]


@dataclass(frozen=True, kw_only=True)
class PredictedClasses:
    """Classes and probabilities of S sequences."""

    schema: SequenceSchema  # with K classes
    names: Sequence[str]  # [S] ids
    probabilities: np.ndarray  # [S, K]

    def arrow_table(self) -> "pyarrow.Table":
        """Return the columns with the probabilities as 64-bit floats, not rounded."""
        import pyarrow

        predicted = [self.schema.classes[int(index)] for index in self.probabilities.argmax(axis=1)]
        numbers = self.probabilities.astype(np.float64)
        columns = [pyarrow.array(list(self.names)), pyarrow.array(predicted)]
        columns += [pyarrow.array(numbers[:, index]) for index in range(len(self.schema.classes))]
        return pyarrow.table(columns, names=header_of(self.schema))

    def parquet(self) -> bytes:
        """Return the bytes of a Parquet file."""
        import pyarrow
        import pyarrow.parquet

        sink = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(self.arrow_table(), sink)
        return bytes(sink.getvalue())
