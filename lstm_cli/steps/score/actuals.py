"""Measured values for `score`: those of a file, or those of the run."""

from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO

import numpy as np

from lstm_cli.config import ScoreConfig
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.findings import Finding
from lstm_cli.inference.trained_model import TrainedModel
from lstm_cli.rundir import Run

# Missing rows and values are filled, and rows after the last target are not used: what came true needs none of them.
IRRELEVANT = ("D513", "D516", "D602")


def load_actuals(
    source: str | None,
    run: Run,
    model: TrainedModel,
    config: ScoreConfig,
    *,
    stdin: BinaryIO | None,
    warn: Callable[[Finding], None],
) -> Dataset:
    """Return the measured values. A file is read as `predict` reads NEW, but covariates and old rows are not needed.

    Args:
        source: file, `-` for standard input; None for the data of the run.
        run: run of the model.
        model: trained model.
        config: settings of `score`.
        stdin: stream behind `-`.
        warn: receives findings.

    Raises:
        DataError: the file does not fit the model.
        MissingArtifact: there is no file, and the run has no data.
    """
    if source is None:
        return load_dataset(run)
    from lstm_cli.data.forecast.new_data import ModelSchema, read_new_data

    width = len(model.schema.targets)
    schema = replace(
        model.schema,
        past=(),
        future=(),
        calendar=(),
        holidays=(),
        static=(),
        static_scaling=(),
        seasons=(),
        categories={},
        horizon=1,
        lookback=1,
        lookback_fixed=True,
        pad=False,
        missing="interpolate",
    )
    scaler = replace(model.scaler, center=model.scaler.center[:, :width], scale=model.scaler.scale[:, :width])
    series = replace(model.series, static=None, ahead=np.zeros_like(model.series.ahead))
    known = ModelSchema(schema=schema, series=series, scaler=scaler, training=model.training, rows_read=1)
    read = read_new_data(source, known, text=config.text_settings, stdin=stdin)
    for finding in read.findings:
        if finding.rule not in IRRELEVANT:
            warn(finding)
    return read.dataset
