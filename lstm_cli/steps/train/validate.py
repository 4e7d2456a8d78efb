"""Validation of a trained model: scores, prediction intervals, dependence and a plot."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.data.dataset.windows import Batch, split_windows
from lstm_cli.data.forecast.bounds import Bounds
from lstm_cli.data.times.formats import iso_time
from lstm_cli.evaluation import metrics, scoring
from lstm_cli.evaluation.uncertainty import WindowErrors
from lstm_cli.events import Listener, PlotDrawn, Progressed
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.steps.train.save_model import ExportedGraphs

if TYPE_CHECKING:
    from lstm_cli.evaluation.quantiles.dependence import Dependence
    from lstm_cli.evaluation.quantiles.model import CalibratedQuantiles
    from lstm_cli.inference.session import Session
    from lstm_cli.training.recipes.result import TrainingResult

MAX_SCORED_ROWS = 25_000  # windows x targets; more give the same scores, because neighbouring windows overlap
MAX_SCORED_CELLS = 12_000_000  # windows x targets x steps ahead; limits the time for long horizons
Scores = dict[str, float | None]  # mae_scaled and mase


@dataclass(frozen=True, kw_only=True)
class ValidatedModel:
    """Trained model before a refit, because the refitted model was trained on the validation rows."""

    trained: "TrainingResult"
    graphs: ExportedGraphs
    bounds: Bounds
    threads: int
    season: int | None  # season of the seasonal naive baseline, in steps

    def scores(
        self, listen: Listener, should_stop: Callable[[], int | None]
    ) -> tuple[dict[str, Scores], WindowErrors]:
        """Return validation scores of the model, its parts and the baselines, and the errors of each window.

        Evenly spaced windows are scored if there are more than `MAX_SCORED_ROWS` and `MAX_SCORED_CELLS` allow. Raises
        Interrupted.
        """
        dataset, linear = self.trained.dataset, self.trained.validated.linear
        lookback = self.trained.settings["lookback"]
        windows = scoring.scoring_windows(dataset, "val", lookback, linear, self.season)
        max_rows = min(MAX_SCORED_ROWS, MAX_SCORED_CELLS // dataset.schema.horizon)
        windows = windows.sample(max(1, max_rows // dataset.targets))
        scale = scoring.metric_scale(dataset)
        errors = WindowErrors(windows, scale)

        def progress(done: int) -> None:
            raise_if_interrupted(should_stop)
            listen(Progressed(stage="validating", done=done, total=len(windows), unit="windows"))

        sums = scoring.score(
            windows,
            scoring.combine_forecasters(
                scoring.model_forecaster(self._session(), lookback, parts=tuple(self.trained.weights)),
                scoring.baseline_forecaster(dataset, linear, self.season),
            ),
            self.bounds,
            progress=progress,
            on_errors=errors,
        )
        scores = {
            name: {
                key: value
                for key, value in metrics.overall_scores(sums_of_part, scale).items()
                if key in ("mae_scaled", "mase")
            }
            for name, sums_of_part in sums.items()
        }
        return scores, errors

    def chosen_on(self) -> dict[str, Any]:
        """Return the windows that chose the model: split, count, and the times of their first and last row.

        The times are None if the data have no time column.
        """
        dataset = self.trained.dataset
        windows, schema = split_windows(dataset, "val", self.trained.settings["lookback"]), dataset.schema
        facts = {"split": "val", "windows": len(windows), "time_start": None, "time_end": None}
        if schema.time_name is None:
            return facts
        origin = dataset.series.origin_us[windows.series]
        first = windows.origins - dataset.series.offset[windows.series]
        begin = int(schema.step.times(first, origin).min())
        end = int(schema.step.times(first + schema.horizon - 1, origin).max())
        return facts | {
            "time_start": iso_time(begin, schema.time_format),
            "time_end": iso_time(end, schema.time_format),
        }

    def intervals(
        self, seed: int, listen: Listener, should_stop: Callable[[], int | None]
    ) -> "CalibratedQuantiles":
        """Return quantiles that fit the errors of the model.

        Args:
            seed: seed of the training.
            listen: receives progress.
            should_stop: returns the signal that ends training, or None.

        Raises:
            Interrupted: a signal ended training.
        """
        from lstm_cli.evaluation.quantiles.calibrate_intervals import calibrate
        from lstm_cli.training.quantile_network import fit_quantiles

        calibration = calibrate(
            self.trained.dataset,
            self._forecaster(),
            lookback=self.trained.settings["lookback"],
            progress=_windows_progress("fitting intervals", listen, should_stop),
        )
        return fit_quantiles(calibration, seed=seed, check=lambda: raise_if_interrupted(should_stop))

    def dependence(
        self, intervals: "CalibratedQuantiles", listen: Listener, should_stop: Callable[[], int | None]
    ) -> "Dependence":
        """Return the dependence between the errors at the steps and targets.

        Args:
            intervals: calibrated quantiles of the model.
            listen: receives progress.
            should_stop: returns the signal that ends training, or None.

        Raises:
            Interrupted: a signal ended training.
        """
        from lstm_cli.evaluation.quantiles.fit_dependence import fit_dependence

        return fit_dependence(
            self.trained.dataset,
            intervals,
            self._forecaster(),
            lookback=self.trained.settings["lookback"],
            progress=_windows_progress("fitting dependence", listen, should_stop),
        )

    def picture(self, intervals: "CalibratedQuantiles", errors: WindowErrors) -> PlotDrawn:
        """Return the plot of the forecasts of some validation windows.

        Args:
            intervals: calibrated quantiles of the model.
            errors: errors of each window, see `scores`.
        """
        from lstm_cli.plots.forecast import draw_forecast
        from lstm_cli.steps.shared.forecast_plot import window_panels

        forecaster = scoring.model_forecaster(self._session(), self.trained.settings["lookback"])
        panels = window_panels(*(errors, forecaster, self.bounds, intervals), split="val", season=self.season)
        return PlotDrawn(name="forecasts", png=draw_forecast(panels))

    def _forecaster(self) -> Callable[[Batch], np.ndarray]:
        """Return the function from windows to the forecast [B, H, C], scaled."""
        forecaster = scoring.model_forecaster(self._session(), self.trained.settings["lookback"])
        return lambda batch: forecaster(batch)["model"]

    def _session(self) -> "Session":
        from lstm_cli.inference.session import open_session

        return open_session(self.graphs.validated or self.graphs.shipped, threads=self.threads)


def _windows_progress(
    stage: str, listen: Listener, should_stop: Callable[[], int | None]
) -> Callable[[int, int], None]:
    """Return a function that reports finished windows and their total; it raises Interrupted after a signal.

    Args:
        stage: name of the stage.
        listen: receives progress.
        should_stop: returns the signal that ends training, or None.
    """

    def progress(done: int, total: int) -> None:
        raise_if_interrupted(should_stop)
        listen(Progressed(stage=stage, done=done, total=total, unit="windows"))

    return progress
