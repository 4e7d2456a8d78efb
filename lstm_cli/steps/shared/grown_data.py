"""Data of a run to which `refresh` has added rows that its model has not learnt."""

import numpy as np

from lstm_cli.data.dataset.dataset import Schema, SeriesTable
from lstm_cli.data.dataset.load import load_outline
from lstm_cli.inference.trained_model import TrainedModel, load_model
from lstm_cli.rundir import Run, is_refreshed, require_fresh, stale_sources


def require_fresh_or_grown(run: Run) -> bool:
    """Return whether `refresh` has added rows to the data after the training of the model.

    Raises:
        MissingArtifact: the model has not been trained.
        StaleArtifact: the data changed in another way.
    """
    if not stale_sources(run, "model"):
        return False
    if not is_refreshed(run.models) or not _only_grew(load_model(run), *load_outline(run)):
        require_fresh(run, "model")
    return True


def schema_differences(old: Schema, new: Schema) -> str:
    """Return what prevents a model of one schema from forecasting data of another, as a phrase; "" if nothing does."""
    pairs = {
        "targets": (old.targets, new.targets),
        "covariates": ((old.past, old.future, old.derived), (new.past, new.future, new.derived)),
        "frequency": (old.step, new.step),
        "horizon": (old.horizon, new.horizon),
        "series": (old.series_name, new.series_name),
    }
    return " and ".join(name for name, (before, after) in pairs.items() if before != after)


def _only_grew(model: TrainedModel, schema: Schema, table: SeriesTable) -> bool:
    """Return whether the data have each series of the model with the same first row and at least as many rows."""
    index = {name: number for number, name in enumerate(table.names)}
    if schema_differences(model.schema, schema) or not index.keys() >= set(model.series.names):
        return False
    places = np.array([index[name] for name in model.series.names], dtype=int)
    same_begin = np.array_equal(table.origin_us[places], model.series.origin_us)
    return same_begin and bool((table.count[places] >= model.series.count).all())
