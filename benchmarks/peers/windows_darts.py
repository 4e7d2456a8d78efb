"""Forecasts of Darts: a linear regression, exponential smoothing, and TSMixer as in the tutorial on ETTh1."""

import tempfile
from collections.abc import Callable, Sequence

import pandas as pd
import torch
from darts import TimeSeries
from darts.dataprocessing.transformers import Scaler
from darts.models import ExponentialSmoothing, LinearRegressionModel, TSMixerModel
from darts.utils.likelihood_models.torch import QuantileRegression
from job import HIGH, LOW, MIDDLE, Job, Made, main
from pytorch_lightning.callbacks import EarlyStopping

EPOCHS = 64  # at most; the tutorial has 200


def each(table: pd.DataFrame, column: str | list[str]) -> dict[str, TimeSeries]:
    """Return a column by series."""
    made = {}
    for name, rows in table.groupby("series"):
        days = rows["time"].diff().median() == pd.Timedelta(days=1)
        # With pandas 3.1, Darts 0.48.1 raises a TypeError on the frequency D.
        made[str(name)] = TimeSeries.from_dataframe(rows, "time", column, freq="24h" if days else None)
    return {name: series.astype("float32") for name, series in made.items()}


def covariates(job: Job, table: pd.DataFrame, names: Sequence[str]) -> list[TimeSeries] | None:
    """Return the known-ahead covariates of these series, or None without any."""
    if not job.future:
        return None
    found = each(table, job.future)
    return [found[name] for name in names]


def windows(job: Job) -> tuple[dict[str, TimeSeries], list[TimeSeries] | None]:
    """Return the known values of all windows, and their covariates to the end of the horizon."""
    known = each(job.known(), "value")
    both = pd.concat([job.known(), job.ahead()])
    return known, covariates(job, both, list(known))


def smoothing(job: Job, _: object) -> Made:
    found = {}
    for name, values in each(job.known(), "value").items():
        model = ExponentialSmoothing()
        model.fit(values)
        drawn = model.predict(job.horizon, num_samples=500)
        low, high = (drawn.quantile(ends).values()[:, 0].tolist() for ends in (LOW, HIGH))
        point = model.predict(job.horizon).values()[:, 0].tolist()
        found[name] = {"forecast": point, "low": low, "high": high}
    return found


def linear(job: Job, trained: Callable[[], None]) -> Made:
    """Return the forecasts of one regression for all series, each scaled by its training rows, as in the tutorials."""
    ahead = list(range(job.horizon)) if job.future else None
    model = LinearRegressionModel(
        lags=job.lookback, output_chunk_length=job.horizon, lags_future_covariates=ahead
    )
    fitted = each(job.training(), "value")
    scalers = {name: Scaler().fit(values) for name, values in fitted.items()}
    scaled = [scalers[name].transform(values) for name, values in fitted.items()]
    model.fit(scaled, future_covariates=covariates(job, job.table, list(fitted)))
    trained()
    known, future = windows(job)
    of_window = {window: scalers[window.rpartition("@")[0]] for window in known}
    inputs = [of_window[window].transform(values) for window, values in known.items()]
    found = model.predict(job.horizon, series=inputs, future_covariates=future)
    return {
        window: {"forecast": of_window[window].inverse_transform(made).values()[:, 0].tolist()}
        for window, made in zip(known, found, strict=True)
    }


def tsmixer(job: Job, trained: Callable[[], None]) -> Made:
    """Return the forecasts of a network that the validation rows stop, as in the tutorial, for one series."""
    scaler = Scaler()
    rows = each(job.training(), "value")["series"]
    before, _ = rows.split_before(job.validated_from)
    scaled = scaler.fit_transform(before)
    validated = scaler.transform(rows)[len(before) - job.lookback :]
    stopping = EarlyStopping(monitor="val_loss", patience=10, min_delta=1e-4, mode="min")
    with tempfile.TemporaryDirectory() as folder:
        model = TSMixerModel(
            input_chunk_length=job.lookback, output_chunk_length=job.horizon, use_reversible_instance_norm=True,
            likelihood=QuantileRegression(), optimizer_kwargs={"lr": 1e-4}, batch_size=256, random_state=42,
            lr_scheduler_cls=torch.optim.lr_scheduler.ExponentialLR, lr_scheduler_kwargs={"gamma": 0.999},
            save_checkpoints=True, model_name="tsmixer", work_dir=folder,
            pl_trainer_kwargs={
                "gradient_clip_val": 1, "max_epochs": EPOCHS, "accelerator": "cpu", "callbacks": [stopping],
                "enable_progress_bar": False,
            },
        )  # fmt: skip
        model.fit(scaled, val_series=validated)
        model = TSMixerModel.load_from_checkpoint("tsmixer", folder, best=True)
    trained()
    known = each(job.known(), "value")
    inputs = [scaler.transform(values) for values in known.values()]
    found = model.predict(job.horizon, series=inputs, predict_likelihood_parameters=True)
    made = {}
    for name, quantiles in zip(known, found, strict=True):
        table = quantiles.to_dataframe()
        parts = [
            TimeSeries.from_values(table[f"value_q{probability:.3f}"].to_numpy())
            for probability in (LOW, MIDDLE, HIGH)
        ]
        low, middle, high = (scaler.inverse_transform(part).values()[:, 0].tolist() for part in parts)
        made[name] = {"forecast": middle, "low": low, "high": high}
    return made


main({"linear": linear, "smoothing": smoothing, "tsmixer": tsmixer})
