"""Forecasts of AutoGluon, without the pretrained models, which it would download."""

import tempfile
from collections.abc import Callable

from autogluon.timeseries import TimeSeriesDataFrame, TimeSeriesPredictor
from job import HIGH, LOW, MIDDLE, Job, Made, columns, main

PRETRAINED = ["Chronos2", "Toto2"]


def forecast(preset: str) -> Callable[[Job, Callable[[], None]], Made]:
    def run(job: Job, trained: Callable[[], None]) -> Made:
        names = {"id_column": "series", "timestamp_column": "time"}
        with tempfile.TemporaryDirectory() as folder:
            predictor = TimeSeriesPredictor(
                prediction_length=job.horizon, target="value", freq=job.freq, path=folder,
                known_covariates_names=job.future or None,
            )  # fmt: skip
            training = TimeSeriesDataFrame.from_data_frame(job.training(), **names)
            predictor.fit(training, presets=preset, excluded_model_types=PRETRAINED)
            trained()
            ahead = TimeSeriesDataFrame.from_data_frame(job.ahead(), **names) if job.future else None
            known = TimeSeriesDataFrame.from_data_frame(job.known(), **names)
            found = predictor.predict(known, known_covariates=ahead).reset_index()
        ends = {"low": str(LOW), "high": str(HIGH)}
        return columns(found, "item_id", {"forecast": str(MIDDLE), **ends})

    return run


main({"medium_quality": forecast("medium_quality"), "high_quality": forecast("high_quality")})
