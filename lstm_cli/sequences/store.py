"""Files of labelled sequences in a run."""

import numpy as np

from lstm_cli.rundir import ArtifactFolder, ArtifactReader, Run
from lstm_cli.sequences.dataset import SPLITS, SequenceData, SequenceScaler, SequenceSchema

VALUES, SEQUENCES, SCHEMA, SCALER = "values.npy", "sequences.json", "schema.json", "scaler.json"
VOCABULARY = "vocabulary.json"  # of documents; a step writes and reads it


def write_data(folder: ArtifactFolder, data: SequenceData) -> None:
    """Write the files of prepared sequences."""
    folder.write_array(VALUES, data.values)
    folder.write_json(
        SEQUENCES,
        {
            "names": list(data.names),
            "lengths": data.lengths.tolist(),
            "labels": data.labels.tolist(),
            "splits": [SPLITS[number] for number in data.split],
        },
    )
    write_description(folder, data)


def write_description(folder: ArtifactFolder, data: SequenceData) -> None:
    """Write the schema and the scaler, which a model needs too."""
    folder.write_json(SCHEMA, data.schema.to_dict())
    folder.write_json(SCALER, data.scaler.to_dict())


def load_description(reader: ArtifactReader) -> tuple[SequenceSchema, SequenceScaler]:
    """Return the schema and the scaler of data or of a model. Raise CorruptArtifact for invalid files."""
    schema, scaler = reader.json(SCHEMA), reader.json(SCALER)
    with reader.parsing():
        loaded = SequenceSchema.from_dict(schema), SequenceScaler.from_dict(scaler)
        if len(loaded[0].columns) != len(loaded[1].center):
            raise ValueError("the scaler has other columns")
    return loaded


def load_data(run: Run) -> SequenceData:
    """Return the prepared sequences of a run. Raise MissingArtifact or CorruptArtifact."""
    reader = run.artifact("data")
    schema, scaler = load_description(reader)
    values, stored = reader.array(VALUES), reader.json(SEQUENCES)
    with reader.parsing():
        return SequenceData(
            schema=schema,
            scaler=scaler,
            values=values,
            lengths=np.array(stored["lengths"], dtype=np.int64),
            labels=np.array(stored["labels"], dtype=np.int64),
            names=tuple(map(str, stored["names"])),
            split=np.array([SPLITS.index(name) for name in stored["splits"]], dtype=np.int64),
        )
