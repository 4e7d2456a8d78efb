"""A dataset in a run directory: written by `prepare`, read by every later step."""

from lstm_cli.data.dataset import FILES, Dataset, describe, pack, restore
from lstm_cli.rundir import Folder, Run

VALUES, MEASURED = "values.npy", "measured.npy"


def store_dataset(dataset: Dataset, folder: Folder) -> None:
    """Writes the dataset into a new folder of the run."""
    folder.write_array(VALUES, dataset.values_scaled)
    folder.write_array(MEASURED, pack(dataset.measured))
    for name, content in describe(dataset).items():
        folder.write_json(name, content)


def load_dataset(run: Run) -> Dataset:
    """The run's prepared data, its values memory-mapped. Raises MissingArtifact or CorruptArtifact."""
    reader = run.artifact("data")
    files = {name: reader.json(name) for name in FILES}
    return restore(files, reader.array(VALUES), reader.array(MEASURED))
