"""Version of the model of a run, loaded once and never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.config import PredictConfig
from lstm_cli.config.text import PLAIN_TEXT
from lstm_cli.data.forecast.fed_back import ModelRuns
from lstm_cli.data.forecast.output import Forecast
from lstm_cli.data.times.formats import SECOND
from lstm_cli.errors import CorruptArtifact, DataError, LstmError, UsageError
from lstm_cli.findings import Finding
from lstm_cli.inference.onnx_format import TRAIN_AGAIN
from lstm_cli.rundir import open_run
from lstm_cli.serving.model.answer import Answer, encode_answer
from lstm_cli.serving.model.batch import forecast_batch
from lstm_cli.serving.model.description import RunDescription
from lstm_cli.serving.model.json_body import BODY, read_json, read_plain_records
from lstm_cli.serving.model.media_types import JSON, PARQUET
from lstm_cli.serving.model.plain_forecasts import PlainForecasts
from lstm_cli.serving.model.plain_window import PlainReader, has_plain_rows
from lstm_cli.serving.model.public_text import make_public, public_errors, public_finding, remove_path
from lstm_cli.serving.model.request import ForecastQuery
from lstm_cli.serving.model.rows import PlainRows, Rows, TableRows, start
from lstm_cli.serving.service import FORECASTS, etag_of, version_of
from lstm_cli.steps.predict.beyond_horizon import require_possible, warn_beyond_horizon
from lstm_cli.steps.predict.choose_series import choose_series
from lstm_cli.steps.predict.data import ForecastData, Warn, load_new_data, load_own_data
from lstm_cli.steps.predict.forecast import forecast_windows
from lstm_cli.steps.predict.forecaster import Forecaster, open_forecaster
from lstm_cli.steps.predict.requested_quantiles import RequestedQuantiles, load_quantiles
from lstm_cli.steps.shared.memory_estimate import require_forecast

if TYPE_CHECKING:
    from lstm_cli.data.reading.source import Cell

MAX_ROWS = 1_000_000  # rows of a body with gaps filled; two times that are far apart need no large body
QUERIES = 64  # parsed queries that are kept


class ServedModel:
    """Model of a run in memory.

    `read` and `write` can run in several threads at once, and next to `forecast`. One thread calls `forecast`.
    Errors of `read`, `forecast`, `write` and `newest` name no path of the machine and no option. Those of `load` do.
    """

    service = FORECASTS

    def __init__(self, forecaster: Forecaster, *, name: str, version: str, etag: str) -> None:
        """Take an opened model, whose parts are in memory.

        Args:
            forecaster: opened model.
            name: name of the run in answers.
            version: number of the model version, shown in each answer.
            etag: changes with the model, the quantized model and the data; without quotation marks.
        """
        self.name, self.version, self.etag = name, version, etag
        self._forecaster = forecaster
        self._path = str(forecaster.run.path)
        self._plain = PlainReader(forecaster) if has_plain_rows(forecaster.model) else None
        self._parsed = lru_cache(maxsize=QUERIES)(self._parse)

    @classmethod
    def load(cls, run: Path, *, threads: int | None) -> "ServedModel":
        """Return the model of a run, after one forecast with it.

        Args:
            run: run directory.
            threads: CPU threads of a forecast; None: all cores.

        Raises:
            LstmError: the run has no model, or a file of it is missing, corrupt, or of another version.
        """
        path = Path(run).absolute()
        try:
            with open_run(path) as opened:
                forecaster = _with_text_of_bodies(open_forecaster(opened, threads=threads, max_rows=MAX_ROWS))
                forecaster.load_all()
                served = cls(
                    forecaster,
                    name=path.resolve().name,
                    version=version_of(opened),
                    etag=etag_of(opened),
                )
            served._try_forecast()
        except LstmError as error:
            remove_path(error, str(path), str(run))  # the path as it was given
            raise
        return served

    def read(self, body: bytes, media_type: str, query: ForecastQuery) -> Rows:
        """Return the rows of a body.

        Args:
            body: rows in the file's units, after decompression.
            media_type: one of MEDIA_TYPES.
            query: query values.

        Raises:
            MalformedBody: the body is not of its media type (400).
            UsageError: the model cannot forecast as the query asks (400).
            DataError: the rows do not fit the model (422).
            BodyTooLarge: the table of a Parquet body is too large (413).
            DeviceError: the forecast does not fit in memory (503).
        """
        with public_errors(self._path, self.name, is_json=media_type == JSON):
            parsed = self._parsed(query)
            findings: list[Finding] = []
            if media_type == JSON:
                known = None if self._plain is None else read_plain_records(body, self._plain.names)
                columns = read_json(body) if known is None else known
                plain = self._plain_rows(columns, parsed)
                if plain is not None:
                    return plain
                from lstm_cli.serving.model.table_body import records_source  # lazy: the start of a server

                source = records_source(columns if known is None else read_json(body))
            else:
                from lstm_cli.serving.model.table_body import table_source

                source = table_source(body, is_parquet=media_type == PARQUET)
            data = load_new_data(source, self._forecaster, PLAIN_TEXT, None, findings.append)
            return self._rows(data, parsed, findings, own=False)

    def newest(self, query: ForecastQuery) -> Rows:
        """Return the run's own rows.

        Args:
            query: query values.

        Raises:
            UsageError: the model cannot forecast as the query asks (400).
            DataError: a named series is not found (422).
            MissingArtifact: the run has no data (404).
            StaleArtifact: the run's data have other columns or another frequency than the model (503).
        """
        with public_errors(self._path, self.name):
            parsed = self._parsed(query)
            findings: list[Finding] = []
            data = load_own_data(self._forecaster, findings.append)
            return self._rows(data, parsed, findings, own=True)

    def forecast(self, rows: Sequence[Rows]) -> list[Forecast | LstmError]:
        """Return the forecast of each request, or its error, from one batch. An error of one leaves the others alone.

        Requests may differ in horizon, quantiles and number of series.
        """
        results = forecast_batch(rows, self._forecaster.session)
        for result in results:
            if isinstance(result, LstmError):
                make_public(result, self._path, self.name)
        return results

    def write(
        self, rows: Rows, forecast: Forecast, media_type: str = JSON, *, key: str = "forecast"
    ) -> Answer:
        """Return the encoded forecast.

        Args:
            rows: rows of the request.
            forecast: forecast of the rows.
            media_type: one of MEDIA_TYPES.
            key: key of the records in a JSON body; MLflow has `predictions`.

        Raises:
            UsageError: pyarrow is not installed, and the answer is Parquet.
        """
        return encode_answer(forecast, media_type, version=self.version, warnings=rows.findings, key=key)

    def newest_row(self) -> float | None:
        """Return the time of the newest row of the run's data, in seconds of Unix time.

        A local time without a time zone counts as UTC. Without data or times, the result is None.
        """
        if not self._forecaster.run.has("data"):
            return None
        dataset, _ = self._forecaster.own_data
        schema, series = dataset.schema, dataset.series
        if schema.time_name is None or schema.time_format.is_integer or not series.names:
            return None
        times = np.append(schema.step.times(series.count - 1, series.origin_us), schema.newest_us or [])
        return float(schema.time_format.to_utc(times).max()) / SECOND

    def warm_up(self) -> None:
        """Load the readers of bodies, for which the first body would wait. `load` does not need them."""
        import orjson

        import lstm_cli.data.forecast.new_data

        _ = orjson, lstm_cli.data.forecast.new_data, self._forecaster.schema

    def describe(self) -> RunDescription:
        """Return the description of the run."""
        from lstm_cli.serving.model.describe_run import describe_run  # lazy: the start of a server

        requested = self._parsed(ForecastQuery()).requested
        return describe_run(self._forecaster, requested, name=self.name, version=self.version)

    def _plain_rows(self, columns: "Mapping[str, Sequence[Cell]]", parsed: "_ParsedQuery") -> Rows | None:
        """Return the rows of a request by the direct way, or None if they are not plain."""
        if self._plain is None or parsed.plain is None:
            return None
        window = self._plain.read(columns)
        if window is None:
            return None
        return Rows(
            windows=1,
            findings=tuple(public_finding(finding, self._path, self.name) for finding in parsed.findings),
            _data=PlainRows(window=window, forecasts=parsed.plain),
        )

    def _rows(
        self, data: ForecastData, parsed: "_ParsedQuery", findings: list[Finding], *, own: bool
    ) -> Rows:
        """Return the rows of a request, with their first windows ready, so that the model need not wait for them."""
        model, steps = self._forecaster.model, parsed.steps
        chosen = choose_series(data, model, parsed.config, findings.append, steps=steps, own=own)
        warn_beyond_horizon(model, self._forecaster.run.path, steps, parsed.requested, findings.append)

        def make_runs(warn: Warn = lambda finding: None) -> ModelRuns[Forecast]:
            return forecast_windows(
                chosen.data, model, parsed.requested, chosen.slices, steps=steps, warn=warn
            )

        started = start(make_runs(findings.append))
        return Rows(
            windows=max(1, len(chosen.data.dataset.series.names)),
            findings=tuple(public_finding(finding, self._path, self.name) for finding in findings),
            _data=TableRows(make_runs=make_runs, started=[started]),
        )

    def _parse(self, query: ForecastQuery) -> "_ParsedQuery":
        """Return the settings of a query. Raise UsageError for a value that the model cannot satisfy."""
        forecaster = self._forecaster
        findings: list[Finding] = []
        config = PredictConfig(
            horizon=query.horizon, quantiles=query.quantiles, only=query.series, intervals=query.intervals
        )
        try:
            require_possible(forecaster.model, forecaster.run.path, BODY, config)
            requested = load_quantiles(
                forecaster.run, config, findings.append, load=lambda run: forecaster.intervals
            )
        except DataError as error:
            raise UsageError(error.message, hint=error.hint, flag=error.flag) from error
        steps = query.horizon or forecaster.model.schema.horizon
        require_forecast(
            forecaster.model, steps=steps, quantiles=len(requested.probabilities), doing="the forecast"
        )
        plain = None
        if self._plain is not None and steps <= forecaster.model.schema.horizon and not query.series:
            plain = PlainForecasts(forecaster.model, requested, steps=steps, source=BODY)
        return _ParsedQuery(
            config=config, requested=requested, steps=steps, findings=tuple(findings), plain=plain
        )

    def _try_forecast(self) -> None:
        """Forecast once, as the first request would. Raise CorruptArtifact if the graph gives no forecast."""
        model = self._forecaster.model
        schema = model.schema
        past = np.zeros((1, model.lookback, len(schema.inputs)), dtype=np.float32)
        future = np.zeros((1, schema.horizon, schema.known_ahead), dtype=np.float32)
        made = self._forecaster.session(past, future, np.ones(past.shape[:2], dtype=np.float32))
        if made.shape != (1, schema.horizon, len(schema.targets)) or not np.isfinite(made).all():
            raise CorruptArtifact("the ONNX graph of the model gives no forecast", hint=TRAIN_AGAIN)
        try:
            rows = self.newest(ForecastQuery())
        except LstmError:
            return  # the data, not the model; `newest` reports it to those who ask for it
        result = self.forecast([rows])[0]
        if not isinstance(result, LstmError):
            self.write(rows, result)


def _with_text_of_bodies(forecaster: Forecaster) -> Forecaster:
    """Return a forecaster that reads bodies as UTF-8 from their first line, whatever the file of the run has."""
    schema = forecaster.model.schema
    text = replace(schema.text, encoding=None, skip_rows=0)
    return replace(forecaster, model=replace(forecaster.model, schema=replace(schema, text=text)))


@dataclass(frozen=True, kw_only=True)
class _ParsedQuery:
    """Settings of a query."""

    config: PredictConfig
    requested: RequestedQuantiles
    steps: int
    findings: tuple[Finding, ...]
    plain: PlainForecasts | None  # the direct way; None: the rows must be read as a table
