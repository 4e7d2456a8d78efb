"""Step `predict`: forecasts of the steps after the last row. It needs no torch.

It writes nothing in the run, except a file in `ledger/` with --record.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from lstm_cli.config import PredictConfig
from lstm_cli.config.predict import TextSampling
from lstm_cli.data.forecast.output import Forecast, encode_forecast, output_format
from lstm_cli.errors import ArtifactError
from lstm_cli.events import Listener, WarningRaised
from lstm_cli.findings import Finding
from lstm_cli.rundir import Run, check_output, open_run, replace_file
from lstm_cli.steps.predict.beyond_horizon import require_possible, warn_beyond_horizon
from lstm_cli.steps.predict.choose_series import choose_series
from lstm_cli.steps.predict.data import Warn, load_new_data, load_own_data
from lstm_cli.steps.predict.forecast import make_forecast
from lstm_cli.steps.predict.forecaster import open_forecaster
from lstm_cli.steps.predict.origin import requested_origin
from lstm_cli.steps.predict.report import PredictReport
from lstm_cli.steps.predict.requested_quantiles import RequestedQuantiles, load_quantiles
from lstm_cli.steps.predict.shard import require_csv
from lstm_cli.steps.shared.memory_estimate import require_forecast
from lstm_cli.steps.shared.report_json import finding_fields
from lstm_cli.tasks.records import CLASSIFY, FORECAST, GENERATE
from lstm_cli.tasks.settle import require_own_options, stored_task

if TYPE_CHECKING:
    from lstm_cli.plots.terminal import Terminal
    from lstm_cli.steps.predict.sample_paths import RequestedSamples
    from lstm_cli.steps.predict.sequences import PredictSequencesReport
    from lstm_cli.steps.predict.text import PredictTextReport

AnyReport: TypeAlias = "PredictReport | PredictSequencesReport | PredictTextReport"
DEFAULT_SAMPLING = TextSampling()


def predict(
    run: Path,
    new: str | None,
    config: PredictConfig,
    listen: Listener,
    *,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    receive: Callable[[Forecast], None] | None = None,
    terminal: "Terminal | None" = None,
    sampling: TextSampling = DEFAULT_SAMPLING,
) -> AnyReport:
    """Forecast the steps after the last row, or do the work of another task, and write the result to config.output.

    Args:
        run: run directory.
        new: file with newer rows, `-` for standard input; None for the run's own data.
        config: settings of `predict`; output `-` is standard output.
        listen: receives events.
        stdin: stream behind `-`.
        stdout: stream for output `-`.
        receive: gets the forecast, which is then not written; None writes it.
        terminal: receives the drawing of `--plot -`.
        sampling: settings of a run of text.

    Raises:
        MissingArtifact: the run has no model, or nothing for the levels, quantiles or samples of config.
        StaleArtifact: the run's data have other columns or another frequency than the model.
        DataError: new rows do not fit the model, the origin is not a row or has too few rows before it, a future
            covariate is missing, a series ended and config.ended is `refuse`, a level or quantile is beyond what the
            calibration supports, or no series has sample paths.
        DeviceError: the sample paths do not fit in memory.
        OutputError, UsageError: the output cannot be written, or the model cannot forecast as config asks.
        ArtifactError: the forecast was written, but it cannot be recorded. `report` holds the report.
    """
    began = time.perf_counter()
    other_task = OTHER_TASKS.get(stored_task(run).name)
    if other_task is not None:
        return other_task(run, new, config, sampling, listen, stdin, stdout, receive)
    require_own_options(FORECAST, "predict", sampling)
    format = check_forecast_output(run, new, config)
    findings: list[Finding] = []

    def warn(finding: Finding) -> None:
        findings.append(finding)
        listen(WarningRaised(finding=finding))

    with open_run(run) as opened:
        forecaster = open_forecaster(opened, precision=config.precision, threads=config.threads)
        model = forecaster.model
        require_possible(model, run, new, config)
        origin = requested_origin(config, model)
        steps = config.horizon or model.schema.horizon
        requested, paths = _load_requested(opened, config, warn)
        ledger = None
        if config.record:
            from lstm_cli.steps.predict.record import open_ledger

            ledger = open_ledger(opened, model, config)
            requested = replace(requested, recorded=ledger.intervals)
        quantiles = len(requested.probabilities) + len(requested.recorded_probabilities)
        require_forecast(model, steps=steps, quantiles=quantiles, doing="the forecast")
        if new is None:
            data = load_own_data(forecaster, warn, origin)
        else:
            data = load_new_data(
                new, forecaster, config.text_settings, stdin, warn, origin, future_file_ok=True
            )
    chosen = choose_series(
        data, model, config, warn, steps=steps, own=new is None, origin=origin, stdin=stdin
    )
    data, slices = chosen.data, chosen.slices
    warn_beyond_horizon(model, run, steps, requested, warn)
    ready = time.perf_counter()
    if paths is None:
        forecast = make_forecast(data, forecaster, requested, slices, steps=steps, warn=warn)
    else:
        from lstm_cli.steps.predict.sample_paths import make_sample_paths

        forecast = make_sample_paths(data, forecaster, paths, slices, steps=steps, warn=warn)
    forecast_done = time.perf_counter()
    if receive is not None:
        receive(forecast)
    else:
        _write(encode_forecast(forecast, format), config.output, stdout)
    recorded, unrecorded = None, None
    if ledger is not None:
        try:
            recorded = ledger.record(forecast, data, slices, forecaster.precision, warn)
        except ArtifactError as error:
            unrecorded = error
    if config.plot is not None:  # after the forecast, which must not depend on it
        from lstm_cli.steps.predict.plot import plot_forecast

        plot_forecast(config.plot, forecast, data, model.bounds, requested, terminal)
    report = PredictReport(
        run=str(run),
        output=config.output,
        plot=config.plot,
        format=format,
        precision=forecaster.precision,
        rows=forecast.values.shape[0] * forecast.values.shape[1],
        series=slices.series,
        horizon=steps,
        trained_horizon=model.schema.horizon,
        lookback=model.schema.lookback,
        reads_rows=model.lookback,
        levels=requested.levels,
        quantiles=requested.quantiles,
        samples=config.samples,
        seed=None if paths is None else paths.seed,
        origin=None if origin is None else origin.text,
        time_start=forecast.first_time,
        time_end=forecast.last_time,
        ended=chosen.ended.names,
        new_series=tuple(data.new),
        baseline_series=data.short.names,
        recorded=recorded,
        seconds={
            "read": round(ready - began, 4),
            "model": round(forecast_done - ready, 4),
            "write": round(time.perf_counter() - forecast_done, 4),
        },
        **finding_fields(findings),
    )
    if unrecorded is not None:
        unrecorded.report = report
        raise unrecorded
    return report


def _predict_sequences(
    run: Path,
    new: str | None,
    config: PredictConfig,
    sampling: TextSampling,
    listen: Listener,
    stdin: BinaryIO | None,
    stdout: BinaryIO | None,
    receive: Callable[[Any], None] | None,
) -> "PredictSequencesReport":
    require_own_options(CLASSIFY, "predict", sampling)
    from lstm_cli.steps.predict.sequences import predict_sequences

    return predict_sequences(run, new, config, listen, stdin=stdin, stdout=stdout, receive=receive)


def _predict_text(
    run: Path,
    new: str | None,
    config: PredictConfig,
    sampling: TextSampling,
    listen: Listener,
    stdin: BinaryIO | None,
    stdout: BinaryIO | None,
    receive: Callable[[Forecast], None] | None,
) -> "PredictTextReport":
    from lstm_cli.steps.predict.text import predict_text, receive_texts

    if receive is None:
        return predict_text(run, new, config, sampling, listen, stdin=stdin, stdout=stdout)
    return receive_texts(run, new, config, sampling, listen, receive)


OTHER_TASKS: Mapping[str, Callable[..., AnyReport]] = {
    CLASSIFY.name: _predict_sequences,
    GENERATE.name: _predict_text,
}


def _write(encoded: bytes, output: str, stdout: BinaryIO | None) -> None:
    if output == "-":
        assert stdout is not None
        stdout.write(encoded)
        stdout.flush()
    else:
        replace_file(output, [encoded])


def _load_requested(
    run: Run, config: PredictConfig, warn: Warn
) -> "tuple[RequestedQuantiles, RequestedSamples | None]":
    """Return the quantiles of the forecast, or with --samples the quantile model alone and the sample paths."""
    if config.samples is None:
        return load_quantiles(run, config, warn), None
    from lstm_cli.steps.predict.sample_paths import load_samples

    paths = load_samples(run, config, warn)
    return RequestedQuantiles(intervals=paths.intervals), paths


def check_forecast_output(run: Path, new: str | None, config: PredictConfig) -> str:
    """Return the format of the output.

    Args:
        run: run directory.
        new: file with newer rows, which must not be overwritten.
        config: settings of `predict`.

    Raises:
        OutputError, UsageError: the output cannot be written.
    """
    require_csv(config)
    if config.output != "-":
        check_output(config.output, run=run, sources=(new, config.future_data))
    if config.plot is not None:
        from lstm_cli.steps.shared.plot_output import check_plot

        check_plot(config.plot, run=run, sources=(new, config.future_data), output=config.output)
    format = output_format(config.output, config.format)
    if format == "parquet":
        from lstm_cli.config.extras import require_installed

        require_installed("a forecast in Parquet", "pyarrow")
    return format
