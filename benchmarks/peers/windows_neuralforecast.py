"""Forecasts of NeuralForecast: the two networks of its quickstart, with their defaults and a longer input."""

from collections.abc import Callable

from job import Job, Made, columns, main
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MQLoss
from neuralforecast.models import LSTM, NHITS

NAMES = {"series": "unique_id", "time": "ds", "value": "y"}
QUIET = {"enable_progress_bar": False, "logger": False, "enable_checkpointing": False, "accelerator": "cpu"}


def forecast(kind: type[LSTM] | type[NHITS], steps: int) -> Callable[[Job, Callable[[], None]], Made]:
    def run(job: Job, trained: Callable[[], None]) -> Made:
        network = kind(
            h=job.horizon,
            input_size=job.lookback,
            loss=MQLoss(level=[80]),
            max_steps=steps,
            futr_exog_list=job.future or None,
            **QUIET,
        )
        library = NeuralForecast(models=[network], freq=job.freq)
        library.fit(job.training().rename(columns=NAMES))
        trained()
        found = library.predict(
            df=job.known(3 * job.lookback).rename(columns=NAMES),
            futr_df=job.ahead().rename(columns=NAMES) if job.future else None,
        )
        name = kind.__name__
        ends = {"low": f"{name}-lo-80", "high": f"{name}-hi-80"}
        return columns(found, "unique_id", {"forecast": f"{name}-median", **ends})

    return run


main({"nhits": forecast(NHITS, steps=1000), "lstm": forecast(LSTM, steps=500)})  # the default, the quickstart
