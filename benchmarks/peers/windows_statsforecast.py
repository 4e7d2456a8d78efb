"""Forecasts of StatsForecast with the models of its tutorials, fitted again for each series and origin."""

from job import Job, Made, columns, main
from statsforecast import StatsForecast
from statsforecast.models import MSTL, AutoARIMA, AutoETS

NAMES = {"series": "unique_id", "time": "ds", "value": "y"}


def forecast(job: Job, model: AutoARIMA | AutoETS | MSTL, covariates: list[str]) -> Made:
    known = job.known().rename(columns=NAMES)[["unique_id", "ds", "y", *covariates]]
    ahead = job.ahead().rename(columns=NAMES)[["unique_id", "ds", *covariates]]
    fitted = StatsForecast(models=[model], freq=job.freq, n_jobs=1)
    found = fitted.forecast(df=known, h=job.horizon, level=[80], X_df=ahead if covariates else None)
    name = str(model)
    return columns(found, "unique_id", {"forecast": name, "low": f"{name}-lo-80", "high": f"{name}-hi-80"})


def arima(job: Job, _: object) -> Made:
    return forecast(job, AutoARIMA(season_length=job.seasons[0]), job.future)


def ets(job: Job, _: object) -> Made:
    return forecast(job, AutoETS(season_length=job.seasons[0]), [])


def mstl(job: Job, _: object) -> Made:
    return forecast(job, MSTL(season_length=job.seasons, trend_forecaster=AutoARIMA()), [])


main({"arima": arima, "ets": ets, "mstl": mstl})
