"""Checks of the options of `predict` against the model, and the warning about steps beyond the trained horizon."""

from pathlib import Path

from lstm_cli.config import PredictConfig
from lstm_cli.errors import UsageError
from lstm_cli.findings import MODEL, Finding
from lstm_cli.inference.trained_model import TrainedModel
from lstm_cli.rundir import command
from lstm_cli.steps.predict.data import Warn
from lstm_cli.steps.predict.requested_quantiles import RequestedQuantiles

MAX_HORIZONS = 100  # trained horizons in a forecast; each feeds its errors back into the next one


def require_possible(model: TrainedModel, run: Path, new: str | None, config: PredictConfig) -> None:
    """Raise UsageError if the model cannot forecast as the options ask.

    Args:
        model: trained model.
        run: run directory.
        new: file with newer rows, `-` for standard input; None for the run's own data.
        config: settings of `predict`.
    """
    schema, horizon = model.schema, config.horizon
    if config.seed is not None and config.samples is None:
        raise UsageError(
            "--seed works only with --samples: without it, a forecast is not random",
            hint="leave out --seed, or add --samples 100",
            flag="--seed",
        )
    if config.future_data is not None and not schema.future:
        raise UsageError(
            f"--future-data {config.future_data} is not used: the model of {run} has no known-ahead covariates",
            hint=f"leave out --future-data, or use '{command('prepare', run)} --future COLUMN' and train again",
            flag="--future-data",
        )
    if new == config.future_data == "-":
        raise UsageError(
            "NEW and --future-data are both standard input",
            hint="give one of them as a file",
            flag="--future-data",
        )
    if horizon is not None and horizon > MAX_HORIZONS * schema.horizon:
        raise UsageError(
            f"--horizon {horizon:,} is more than {MAX_HORIZONS} trained horizons of {schema.horizon} steps, where "
            "forecasts that are fed back say nothing",
            hint=f"use --horizon {MAX_HORIZONS * schema.horizon} or less, or "
            f"'{command('prepare', run)} --horizon {horizon}' and train again",
            flag="--horizon",
        )
    if horizon is not None and horizon > schema.horizon and schema.past:
        names = ", ".join(f"'{name}'" for name in schema.past)
        raise UsageError(
            f"--horizon {horizon} is beyond the trained horizon of {schema.horizon} steps, where the past covariates "
            f"of the model are not known: {names}",
            hint=f"use '{command('prepare', run)} --horizon {horizon}' and train again",
            flag="--horizon",
        )


def warn_beyond_horizon(
    model: TrainedModel, run: Path, steps: int, requested: RequestedQuantiles, warn: Warn
) -> None:
    """Warn if the forecast has more steps than the trained horizon.

    Args:
        model: trained model.
        run: run directory.
        steps: steps of the forecast.
        requested: quantiles of the forecast; the quantile model alone for sample paths.
        warn: receives the findings.
    """
    horizon = model.schema.horizon
    if steps <= horizon:
        return
    text = (
        f"steps {horizon + 1} to {steps} are beyond the trained horizon of {horizon}, so forecasts are fed back as "
        f"inputs (to train for them, use '{command('prepare', run)} --horizon {steps}')"
    )
    warn(Finding(rule="M103", kind=MODEL, text=text, flags=("--horizon",)))
    if requested.intervals is not None and not requested.intervals.growth:
        what, advice, flag = "intervals", "--no-intervals leaves them out", "--no-intervals"
        if not requested.levels:
            what, flag = (
                ("quantiles", "--quantiles") if requested.quantiles else ("sample paths", "--samples")
            )
            advice = f"without {flag} there are none"
        text = (
            f"the errors beyond the trained horizon of {horizon} steps were not measured, so the {what} widen with "
            f"the square root of the steps ({advice})"
        )
        warn(Finding(rule="M104", kind=MODEL, text=text, flags=(flag,)))
