"""Runs in Python: `prepare` makes one, and the methods of a `Run` are the other verbs."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lstm_cli import rundir
from lstm_cli.api import source
from lstm_cli.api.picture import Picture
from lstm_cli.api.running import Running, stopping_at_ctrl_c
from lstm_cli.api.settings import (
    SOURCE,
    option_fields,
    read_settings,
    read_settings_of,
    refuse_terminal_plot,
    with_settings,
)
from lstm_cli.config import (
    EvaluateConfig,
    ExportConfig,
    PredictConfig,
    PrepareConfig,
    QuantizeConfig,
    RefreshConfig,
    ReportConfig,
    ScoreConfig,
    TrainConfig,
    TuneConfig,
)
from lstm_cli.config.extras import require_installed
from lstm_cli.config.predict import TextSampling
from lstm_cli.config.tasks import PrepareOfTasks, TrainOfTasks
from lstm_cli.config.train import KEEP_MODELS, require_keep
from lstm_cli.errors import UsageError
from lstm_cli.wording import did_you_mean

if TYPE_CHECKING:
    from typing import Unpack

    import pandas as pd

    from lstm_cli.api.options import (
        EvaluateOptions,
        ExportOptions,
        PredictOptions,
        PrepareOptions,
        QuantizeOptions,
        RefreshOptions,
        ReportOptions,
        ScoreOptions,
        TrainOptions,
        TuneOptions,
    )
    from lstm_cli.api.source import Data
    from lstm_cli.data.dataset.windows import Windows
    from lstm_cli.events import Listener
    from lstm_cli.steps.check.report import CheckReport
    from lstm_cli.steps.check.sequences import CheckSequencesReport
    from lstm_cli.steps.evaluate.report import EvaluateReport
    from lstm_cli.steps.evaluate.sequences import EvaluateClassifierReport
    from lstm_cli.steps.evaluate.text import EvaluateTextReport
    from lstm_cli.steps.export.content import ExportReport
    from lstm_cli.steps.history import HistoryReport
    from lstm_cli.steps.prepare.report import PrepareReport
    from lstm_cli.steps.prepare.sequences import PrepareSequencesReport
    from lstm_cli.steps.quantize.sequences import QuantizeClassifierReport
    from lstm_cli.steps.quantize.text import QuantizeTextReport
    from lstm_cli.steps.quantize.windows import QuantizeReport
    from lstm_cli.steps.refresh.report import RefreshReport
    from lstm_cli.steps.report.page_report import ClassPageReport, PageReport
    from lstm_cli.steps.runs.summary import RunSummary
    from lstm_cli.steps.score.report import ScoreReport
    from lstm_cli.steps.train.fit_and_commit import TrainReport
    from lstm_cli.steps.train.sequences import TrainClassifierReport
    from lstm_cli.steps.train.text import TrainTextReport
    from lstm_cli.steps.tune.record import TuneReport
    from lstm_cli.steps.verify import VerifyReport

    StoredReport = (
        PrepareReport
        | PrepareSequencesReport
        | TrainReport
        | TrainClassifierReport
        | TuneReport
        | EvaluateReport
        | EvaluateClassifierReport
        | QuantizeReport
    )

REPORTED = ("prepare", "train", "tune", "evaluate", "quantize")  # steps whose reports a run stores


@dataclass(frozen=True)
class Run:
    """Run directory: its data, its model, its scores. `prepare` and `open_run` return one.

    Each method is the verb of its name, with the same checks, files and errors. A step that finds nothing changed
    returns its stored report at once, with `up_to_date=True`.

    Attributes:
        path: Path of the run directory.
    """

    path: Path

    @with_settings(TrainConfig, TrainOfTasks)
    def train(
        self,
        *,
        from_: "Run | source.Path | None" = None,
        keep: int = KEEP_MODELS,
        tuned: bool = True,
        fresh: bool = False,
        checkpoint_every: int | None = None,
        force: bool = False,
        lock_wait: float = 0.0,
        **settings: "Unpack[TrainOptions]",
    ) -> "TrainReport | TrainClassifierReport | TrainTextReport":
        """Train a model on the data of the run.

        Ctrl-C raises KeyboardInterrupt, and the same call resumes the training.

        Args:
            from_: Run whose model is the start of the training; it may be this run. None: random weights.
            keep: Models to keep for a rollback, with the new one.
            tuned: Take settings of the winner of `tune` where none are given.
            fresh: Start over instead of resuming an interrupted training.
            checkpoint_every: Epochs between two checkpoints; None: at most one in 5 seconds.
            force: Train even if nothing changed.
            lock_wait: Seconds to wait for another process that writes the run.
            **settings: Settings, see below.

        Returns:
            Report with the scores on the validation rows: `report.val["mase"]`.

        Raises:
            UsageError: a setting is invalid.
            MissingArtifact: the run has no data.
            DeviceError: the device was not found, or memory is too small.
            TrainingDiverged: the loss is not finite.
            LockedError: another process writes the run.
        """
        with Running("train") as listen, stopping_at_ctrl_c() as should_stop:
            from lstm_cli.steps.train import train
            from lstm_cli.tasks.settle import require_own_values, stored_task

            _refuse_torchrun()
            require_keep(keep)
            other = from_.path if isinstance(from_, Run) else from_
            start = None if other is None else source.run_path(other)
            winner = self._winner(settings) if tuned else {}
            task, kinds = stored_task(self.path), (TrainConfig, TrainOfTasks)
            require_own_values(task, "train", kinds, settings)
            of_task = {"model": task.only_model} if task.only_model else {}
            config, network = read_settings_of(kinds, {**of_task, **winner, **settings})
            return train(
                self.path,
                config,
                listen,
                start=start,
                keep=keep,
                force=force,
                lock_wait=lock_wait,
                sources=dict.fromkeys(winner, "tune") | dict.fromkeys(settings, SOURCE),
                fresh=fresh,
                checkpoint_every=_checked_every(checkpoint_every),
                should_stop=should_stop,
                network=network,
                winner=winner,
            )

    @with_settings(TuneConfig, TrainConfig, TrainOfTasks)
    def tune(
        self,
        *,
        keep: int = KEEP_MODELS,
        force: bool = False,
        lock_wait: float = 0.0,
        **settings: "Unpack[TuneOptions]",
    ) -> "TuneReport":
        """Search hyperparameters, and keep the best model. Later, `train` uses the settings of the winner.

        Each finished trial is stored, so the same call resumes a search that Ctrl-C has stopped.

        Args:
            keep: Models to keep for a rollback, with the winner.
            force: Search even if nothing changed.
            lock_wait: Seconds to wait for another process that writes the run.
            **settings: Settings, see below. Those of `train` apply to each trial. `space` can be a mapping:
                `space={"lr": "1e-4..1e-2:log", "loss": ["mae", "huber"]}`.

        Returns:
            Report with the trials and the winner.

        Raises:
            UsageError: a setting is invalid.
            MissingArtifact: the run has no data.
            LockedError: another process writes the run.
        """
        with Running("tune") as listen, stopping_at_ctrl_c() as should_stop:
            from lstm_cli.steps.tune import tune

            require_keep(keep)
            kinds = (TuneConfig, TrainConfig, TrainOfTasks)
            search, shared, network = read_settings_of(kinds, settings)
            return tune(
                self.path,
                search,
                shared,
                listen,
                force=force,
                lock_wait=lock_wait,
                sources=dict.fromkeys(settings, SOURCE),
                keep=keep,
                should_stop=should_stop,
                network=network,
            )

    @with_settings(EvaluateConfig)
    def evaluate(
        self, *, force: bool = False, lock_wait: float = 0.0, **settings: "Unpack[EvaluateOptions]"
    ) -> "EvaluateReport | EvaluateClassifierReport | EvaluateTextReport":
        """Score the model against baselines, on the same windows.

        Args:
            force: Score even if nothing changed.
            lock_wait: Seconds to wait for another process that writes the run.
            **settings: Settings, see below.

        Returns:
            Report with `metrics` (mae and rmse in units of the data, smape, mase), `baselines` and `coverage`
            (percent).

        Raises:
            GateFailed: a condition of `fail_if` is true. The attribute `report` has the report.
            UsageError: a setting is invalid.
            MissingArtifact: the run has no model.
            StaleArtifact: the model was made from other data.
        """
        stopping: AbstractContextManager[Callable[[], int | None]] = (
            stopping_at_ctrl_c() if settings.get("backtest") else nullcontext(lambda: None)
        )
        with Running("evaluate") as listen, stopping as should_stop:
            from lstm_cli.steps.evaluate import evaluate

            config = read_settings(EvaluateConfig, settings)
            return evaluate(
                self.path,
                config,
                listen,
                force=force,
                lock_wait=lock_wait,
                sources=dict.fromkeys(settings, SOURCE),
                should_stop=should_stop,
            )

    @with_settings(QuantizeConfig)
    def quantize(
        self, *, force: bool = False, lock_wait: float = 0.0, **settings: "Unpack[QuantizeOptions]"
    ) -> "QuantizeReport | QuantizeClassifierReport | QuantizeTextReport":
        """Make a smaller model, which `predict` then uses.

        Args:
            force: Quantize even if nothing changed.
            lock_wait: Seconds to wait for another process that writes the run.
            **settings: Settings, see below.

        Returns:
            Report with size, latency and error of both models.

        Raises:
            QuantizationLoss: the error grows by more than `max_loss`. The run does not change.
            UsageError: a setting is invalid.
            MissingArtifact: the run has no model.
        """
        with Running("quantize") as listen:
            from lstm_cli.steps.quantize import quantize

            config = read_settings(QuantizeConfig, settings)
            sources = dict.fromkeys(settings, SOURCE)
            return quantize(self.path, config, listen, force=force, lock_wait=lock_wait, sources=sources)

    @with_settings(PredictConfig, TextSampling)
    def predict(
        self, new: "Data | None" = None, **settings: "Unpack[PredictOptions]"
    ) -> "pd.DataFrame | Any":
        """Forecast the steps after the last row.

        Args:
            new: DataFrame or file with newer rows; None: the data of the run.
            **settings: Settings, see below.

        Returns:
            DataFrame with the columns and numbers of the CSV file that `lstm predict` writes: series columns, times,
            and for each target its forecast and its quantiles, in units of the data. It has S x H rows: horizon H for
            each of S series. Labelled sequences have a row each: the id, the predicted class, and a probability for
            each class. Times are datetime64: in UTC if the data have a zone or offsets, in the zone of the
            setting `tz` of the run, else without a zone. `attrs["lstm"]` has the report. A run of text returns a list
            of texts instead, each with the prompt in front.

        Raises:
            UsageError: a setting is invalid, or pandas is not installed.
            DataError: the rows do not fit the model.
            MissingArtifact: the run has no model.
        """
        with Running("predict") as listen:
            from lstm_cli.tasks.settle import stored_task

            is_table = stored_task(self.path).output.endswith(".csv")
            if is_table:
                require_installed("a forecast as a DataFrame", "pandas", "pyarrow")
            received: list[Any] = []
            values = self._predict(new, settings, listen, received.append)
            if not is_table:
                return received[0]
            from lstm_cli.data.forecast.output import forecast_table
            from lstm_cli.steps.predict.sequences.table import PredictedClasses

            [result] = received
            has_classes = isinstance(result, PredictedClasses)
            table = result.arrow_table() if has_classes else forecast_table(result, as_csv=True)
            frame = table.to_pandas()
            frame.attrs["lstm"] = values
            return frame

    def _predict(
        self,
        new: "Data | None",
        settings: Mapping[str, Any],
        listen: "Listener",
        receive: "Callable[[Any], None]",
    ) -> dict[str, Any]:
        from lstm_cli.steps.predict import predict

        config, sampling = read_settings_of((PredictConfig, TextSampling), settings)
        rows = _one_source(new, "predict", settings)
        return predict(self.path, rows, config, listen, receive=receive, sampling=sampling).to_json()

    @with_settings(ScoreConfig)
    def score(
        self, actuals: "Data | None" = None, *, lock_wait: float = 0.0, **settings: "Unpack[ScoreOptions]"
    ) -> "ScoreReport":
        """Score recorded forecasts against what came true. The forecasts are those of `predict(record=True)`.

        Args:
            actuals: DataFrame or file with measured values; None: the data of the run.
            lock_wait: Seconds to wait for another process that writes the run.
            **settings: Settings, see below.

        Returns:
            Report with `metrics`, `baselines`, `coverage` and the test of lost accuracy.

        Raises:
            GateFailed: a condition of `fail_if` is true. The attribute `report` has the report.
            DataError: no forecast is recorded, none has come true, or the file does not fit the run.
            UsageError: a setting is invalid.
            MissingArtifact: the run has no model.
        """
        with Running("score") as listen:
            from lstm_cli.steps.score import score

            config, rows = read_settings(ScoreConfig, settings), _one_source(actuals, "score", settings)
            return score(self.path, rows, config, listen, lock_wait=lock_wait)

    @with_settings(RefreshConfig)
    def refresh(
        self,
        data: "Data",
        *,
        keep: int = KEEP_MODELS,
        lock_wait: float = 0.0,
        **settings: "Unpack[RefreshOptions]",
    ) -> "RefreshReport":
        """Add new rows, retrain if it pays, and forecast.

        Args:
            data: DataFrame or file with the new rows; older rows are allowed.
            keep: Models to keep, with the new one; `roll_back` can use the others.
            lock_wait: Seconds to wait for another process that writes the run.
            **settings: Settings, see below.

        Returns:
            Report with the verdict, the comparison and the rows. The forecast is in the file of `output`.

        Raises:
            GateFailed: a condition of `fail_if` is true for both models. The attribute `report` has the report.
            DataError: the rows do not fit the run.
            UsageError: a setting is invalid.
            MissingArtifact: the run has no model.
            OutputError: the forecast or the run cannot be written.
        """
        with Running("refresh") as listen, stopping_at_ctrl_c() as should_stop:
            from lstm_cli.steps.refresh import refresh

            require_keep(keep)
            config, rows = read_settings(RefreshConfig, settings), _one_source(data, "refresh", settings)
            assert rows is not None
            return refresh(
                self.path, rows, config, listen, keep=keep, lock_wait=lock_wait, should_stop=should_stop
            )

    @with_settings(ExportConfig)
    def export(self, **settings: "Unpack[ExportOptions]") -> "ExportReport":
        """Export the model or its windows for another program, with a JSON file that describes them.

        Args:
            **settings: Settings, see below.

        Returns:
            Report with the paths of both files.

        Raises:
            UsageError: a setting is invalid, or the format does not support the model.
            MissingArtifact: the run has no model.
            OutputError: the file cannot be written.
        """
        with Running("export") as listen:
            from lstm_cli.steps.export import export

            return export(self.path, read_settings(ExportConfig, settings), listen)

    @with_settings(ReportConfig)
    def report(
        self, output: source.Path, **settings: "Unpack[ReportOptions]"
    ) -> "PageReport | ClassPageReport":
        """Write a page that shows what the model can do: one file, which loads nothing from the network.

        Args:
            output: HTML or Markdown file, replaced atomically.
            **settings: Settings, see below.

        Returns:
            Report with the verdict and the path `output`.

        Raises:
            UsageError: a setting is invalid, or the output is in the run directory.
            MissingArtifact: the run has no model or no scores.
            StaleArtifact: the model or the scores are out of date.
            OutputError: the file cannot be written.
        """
        with Running("report") as listen:
            from lstm_cli.steps.report import report

            if not isinstance(output, (str, PathLike)) or fspath(output) in ("", "-"):
                raise UsageError(f"output={output!r} is not a file", hint="run.report('report.html')")
            config = replace(read_settings(ReportConfig, settings), output=fspath(output))
            return report(self.path, config, listen)

    def history(
        self, *, rollback: int | None = None, drop: int | None = None, lock_wait: float = 0.0
    ) -> "HistoryReport":
        """List the models of the run, and roll back to an earlier one or remove its files.

        Args:
            rollback: Version that serves from now on, with its quantized model. It can be undone in the same way.
            drop: Earlier version whose files are removed.
            lock_wait: Seconds to wait for another process that writes the run.

        Returns:
            Report with the versions: which served when, and what they scored.

        Raises:
            UsageError: the version is unknown or not kept, or both are given.
            MissingArtifact: the run has no model.
            CorruptArtifact: a file of the version is corrupt. Nothing changes.
        """
        with Running("history"):
            from lstm_cli.steps.history import change_or_list

            return change_or_list(self.path, rollback=rollback, drop=drop, lock_wait=lock_wait)

    def verify(self) -> "VerifyReport":
        """Check size and sha256 of all files of the run.

        Returns:
            Report with the state of each artifact, and the commands that make it again.

        Raises:
            CorruptArtifact: a file is missing or corrupt. The attribute `report` has the report.
        """
        with Running("verify") as listen:
            from lstm_cli.steps.verify import verify

            return verify(self.path, listen)

    def stored_report(self, step: str) -> "StoredReport":
        """Return the stored report of a step: prepare, train, tune, evaluate or quantize.

        Raises:
            UsageError: the step is unknown, or stores no report.
            MissingArtifact: the step has not run.
        """
        with Running(step):
            if step not in REPORTED:
                raise UsageError(
                    f"no report of {step!r}: use one of {', '.join(REPORTED)}",
                    hint=did_you_mean(str(step), REPORTED) or "run.stored_report('train')",
                )
            with rundir.open_run(self.path) as opened:
                from lstm_cli.steps.shared.cached_report import restore_report

                _require_made(opened, step)
                return restore_report(_report_class(opened, step), opened, step)

    def load_windows(self, split: str, lookback: int | None = None) -> "Windows":
        """Return the scaled windows of a split, for notebooks and other models.

        Args:
            split: train, val or test.
            lookback: Steps; None takes the lookback of the run.

        Returns:
            Windows: `X, y = windows.arrays()` are [N, L, F] and [N, H, C], scaled.

        Raises:
            UsageError: the split is none of these.
            MissingArtifact: the run has no data.
        """
        with Running("load_windows"):
            from lstm_cli.data import load_windows
            from lstm_cli.tasks.settle import require_windows

            with rundir.open_run(self.path) as opened:
                require_windows(opened)
            return load_windows(self.path, split, lookback)

    @with_settings(PredictConfig)
    def plot(self, new: "Data | None" = None, **settings: "Unpack[PredictOptions]") -> Picture:
        """Return the picture of a forecast: the last rows, the forecast, and its intervals. A notebook shows it.

        The picture of some test windows is a file of the run: `run.evaluate().picture` is its path.

        Args:
            new: DataFrame or file with newer rows; None: the data of the run.
            **settings: Settings of `predict`, see below.

        Raises:
            UsageError: a setting is invalid.
            DataError: the rows do not fit the model.
            MissingArtifact: the run has no model.
        """
        with Running("plot") as listen, TemporaryDirectory() as folder:
            if "plot" in settings:
                raise UsageError(
                    "plot() has no setting 'plot'", hint="save the picture: run.plot().save(path)"
                )
            path = Path(folder, "forecast.png")
            self._predict(new, {**settings, "plot": path}, listen, lambda forecast: None)
            return Picture(path.read_bytes())

    def _winner(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings of the winner of `tune` that apply and are not given."""
        from lstm_cli.steps.shared.tuned_settings import tuned_settings

        winner = tuned_settings(self.path)
        if settings.get("model") not in (None, winner.get("model")):
            return {}
        fields = (*option_fields(TrainConfig), *option_fields(TrainOfTasks))
        names = {field.name for field in fields} - settings.keys()
        return {name: value for name, value in winner.items() if name in names and value is not None}

    def _repr_html_(self) -> str:
        """Return a table of what the run holds, for notebooks."""
        from lstm_cli.steps.runs.summary import summarize
        from lstm_cli.steps.shared.report_html import facts_html, score_html

        with rundir.open_run(self.path) as opened:
            summary = summarize(opened)
            scores = score_html(opened.report("evaluate")) if opened.has("scores") else ""
        return facts_html(f"run {self.path}: {summary.state}", _summary_facts(summary)) + scores


@with_settings(PrepareConfig, PrepareOfTasks)
def prepare(
    data: "Data",
    run: source.Path,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    **settings: "Unpack[PrepareOptions]",
) -> Run:
    """Convert a DataFrame or files into a run directory.

    A DataFrame is read by the rules of a Parquet file. Its index is a column if it has a name or holds times. Rows in
    messages are counted from 1. If the content and the settings are those of the run, nothing is done.

    Args:
        data: DataFrame, Arrow table, or path of a CSV or Parquet file; several paths are one data set.
        run: Path of the run directory, which is made.
        force: Run even if nothing changed. Also replaces a corrupt `run.json` (a copy is kept).
        lock_wait: Seconds to wait for another process that writes the run.
        **settings: Settings, see below.

    Returns:
        The run. `run.stored_report("prepare")` has the facts about the data.

    Raises:
        DataError: the data cannot be read as asked. The run does not change.
        UsageError: a setting is invalid.
        ForeignFolder: the folder has other files.
        LockedError: another process writes the run.
    """
    with Running("prepare") as listen:
        from lstm_cli.steps.prepare import prepare as step

        path = source.run_path(run)
        config, columns = read_settings_of((PrepareConfig, PrepareOfTasks), settings)
        source.refuse_text_settings(data, settings)
        step(
            source.as_source(data),
            path,
            config,
            listen,
            force=force,
            lock_wait=lock_wait,
            sources=dict.fromkeys(settings, SOURCE),
            columns=columns,
        )
        return Run(path)


@with_settings(PrepareConfig, PrepareOfTasks)
def check(
    data: "Data", *, plot: source.Path | None = None, **settings: "Unpack[PrepareOptions]"
) -> "CheckReport | CheckSequencesReport":
    """Inspect data as `prepare` would read them, and report problems.

    Args:
        data: DataFrame, Arrow table, or path of a CSV or Parquet file; several paths are one data set.
        plot: PNG file for a plot of the data; None draws nothing.
        **settings: Settings, see below.

    Returns:
        Report with the columns, the frequency, the seasons and the findings.

    Raises:
        DataError: `prepare` would refuse the data. The attribute `report` has the known facts.
        UsageError: a setting is invalid.
    """
    with Running("check") as listen:
        from lstm_cli.steps.check import check as step

        config, columns = read_settings_of((PrepareConfig, PrepareOfTasks), settings)
        source.refuse_text_settings(data, settings)
        picture = None if plot is None else fspath(plot)
        refuse_terminal_plot(picture)
        return step(source.as_source(data), config, listen, plot=picture, columns=columns)


def open_run(run: source.Path) -> Run:
    """Return an existing run.

    Raises:
        MissingArtifact: there is no run in the folder.
        ForeignFolder: the folder has other files.
        CorruptArtifact: its `run.json` is corrupt.
    """
    with Running("open_run"):
        path = source.run_path(run)
        rundir.open_run(path).close()
        return Run(path)


def _one_source(data: "Data | None", verb: str, settings: Mapping[str, Any]) -> str | None:
    """Return data as one source for a verb, or None. Raise UsageError for several, and for unused settings."""
    if data is None:
        return None
    source.refuse_text_settings(data, settings)
    rows = source.as_source(data)
    if isinstance(rows, tuple):
        raise UsageError(f"{verb} reads one file", hint="give one path or one DataFrame")
    return rows


def _checked_every(epochs: int | None) -> int | None:
    from lstm_cli.config.validators import require_at_least

    require_at_least("--checkpoint-every", epochs, 1)
    return epochs


def _refuse_torchrun() -> None:
    """Raise UsageError under torchrun, whose processes would all write the run."""
    from lstm_cli.training.loop.torchrun import world_size

    if world_size() > 1:
        raise UsageError(
            "train cannot be called under torchrun",
            hint="use the command line: torchrun --nproc-per-node 2 -m lstm_cli train RUN",
        )


def _require_made(opened: rundir.Run, step: str) -> None:
    """Raise MissingArtifact unless a step has run."""
    if step not in opened.steps:
        artifact = next(name for name, each in rundir.ARTIFACTS.items() if each.made_by == step)
        opened.require(artifact)


def _report_class(opened: rundir.Run, step: str) -> Any:
    """Return the class of the report of a step, as the task of the run has it."""
    from importlib import import_module

    from lstm_cli.steps.tune.record import TuneReport
    from lstm_cli.tasks.settle import task_of

    if step == "tune":  # a search has one report for all tasks
        return TuneReport
    work = import_module(f"lstm_cli.steps.{step}").WORK
    return work[task_of(opened).name].report()


def _summary_facts(summary: "RunSummary") -> Iterator[tuple[str, str]]:
    """Yield the main facts of a run; those that its task does not have are left out."""
    data, model, scores, classes = summary.data, summary.model, summary.scores, summary.class_scores
    if data is not None:
        series = "" if data.series is None else f", {data.series:,} series, step {data.freq}"
        yield "data", f"{data.source}: {_count(data.rows)} rows{series}"
        if data.targets:
            yield "targets", ", ".join(data.targets)
        if data.lookback is not None:
            yield "windows", f"lookback {data.lookback}, horizon {data.horizon}"
    if model is not None:
        yield "model", f"{model.model}, {model.serves}, trained {model.trained}"
    if scores is not None:
        yield "scores", f"{_count(scores.windows)} {scores.split} windows, {scores.precision}"
    if classes is not None:
        yield "scores", f"{_count(classes.sequences)} {classes.split} sequences"
    for artifact, causes in summary.stale.items():
        yield "out of date", f"{artifact}: {', '.join(causes)} changed"


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"
