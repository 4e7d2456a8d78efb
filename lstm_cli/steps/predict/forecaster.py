"""Opened model of a run. `predict` makes one forecast with it, `serve` many."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lstm_cli.data.dataset.load import load_dataset, load_short_series
from lstm_cli.data.dataset.short_series import NO_SHORT_SERIES, ShortSeries
from lstm_cli.inference.trained_model import TrainedModel, load_graph, load_intervals, load_model
from lstm_cli.rundir import Run
from lstm_cli.tasks.settle import require_verb

if TYPE_CHECKING:
    from lstm_cli.data.dataset.dataset import Dataset
    from lstm_cli.data.forecast.new_data import ModelSchema
    from lstm_cli.evaluation.quantiles.model import CalibratedQuantiles
    from lstm_cli.inference.session import Session


@dataclass(frozen=True, kw_only=True)
class Forecaster:
    """Model of a run with its graph. Other parts of the run are read when they are first used.

    After `load_all`, the run can be closed.
    """

    run: Run
    model: TrainedModel
    graph: bytes  # ONNX graph of the model
    precision: str  # of the graph
    threads: int | None = None  # CPU threads; None: all cores
    max_rows: int | None = None  # largest number of new rows with gaps filled; None: as many as fit in memory

    @cached_property
    def session(self) -> "Session":
        """Return the ONNX session of the graph. Raise CorruptArtifact if the graph is invalid."""
        from lstm_cli.inference.session import open_session

        return open_session(self.graph, threads=self.threads)

    @cached_property
    def intervals(self) -> "CalibratedQuantiles | None":
        """Return the calibrated quantiles of the model, or None if it has none."""
        return load_intervals(self.run)

    @cached_property
    def own_data(self) -> "tuple[Dataset, ShortSeries]":
        """Return the run's data, and its series that are too short. Raise MissingArtifact if the run has none."""
        return load_dataset(self.run), load_short_series(self.run)

    @cached_property
    def schema(self) -> "ModelSchema":
        """Return the schema for reading new data."""
        from lstm_cli.data.forecast.new_data import ModelSchema

        model = self.model
        return ModelSchema(
            schema=model.schema,
            series=model.series,
            scaler=model.scaler,
            training=model.training,
            rows_read=model.lookback,
            short=self.own_data[1] if self.run.has("data") else NO_SHORT_SERIES,
            max_rows=self.max_rows,
        )

    def load_all(self) -> None:
        """Read every part of the run that a forecast can need."""
        if self.run.has("data"):
            _ = self.own_data
        _ = self.session, self.intervals


def open_forecaster(
    run: Run, *, precision: str = "auto", threads: int | None = None, max_rows: int | None = None
) -> Forecaster:
    """Return the opened model of a run.

    Args:
        run: run with a model.
        precision: `auto` for the quantized model if it is up to date, fp32, int8 or fp16.
        threads: CPU threads; None: all cores.
        max_rows: largest number of new rows with gaps filled; None: as many as fit in memory.

    Raises:
        UsageError: the run holds no forecast.
        MissingArtifact: the model has not been trained, or has no graph of the precision.
        CorruptArtifact: a file of the model is corrupt.
        StaleArtifact: another version of lstm made the model, or the graph is out of date.
    """
    require_verb(run, "serve")
    model = load_model(run)
    graph, precision = load_graph(run, precision)
    return Forecaster(
        run=run, model=model, graph=graph, precision=precision, threads=threads, max_rows=max_rows
    )
