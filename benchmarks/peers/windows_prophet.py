"""Forecasts of Prophet with its defaults, fitted again for each series and origin."""

import logging

from job import Job, Made, main
from prophet import Prophet

logging.getLogger("cmdstanpy").setLevel(logging.WARNING)


def prophet(job: Job, _: object) -> Made:
    made = {}
    for name, known, ahead in job.windows():
        model = Prophet()
        for covariate in job.future:
            model.add_regressor(covariate)
        model.fit(known.rename(columns={"time": "ds", "value": "y"}))
        found = model.predict(ahead.rename(columns={"time": "ds"}))
        made[name] = {
            "forecast": found["yhat"].tolist(),
            "low": found["yhat_lower"].tolist(),
            "high": found["yhat_upper"].tolist(),
        }
    return made


main({"prophet": prophet})
