"""What the validation rows say of a trained model: its scores, its intervals, and a picture."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lstm_cli import metrics, scoring
from lstm_cli.data.clamp import Bounds
from lstm_cli.errors import heed
from lstm_cli.events import Listener, PictureDrawn, Progressed
from lstm_cli.steps.shipping import Graphs

if TYPE_CHECKING:
    from lstm_cli.intervals import Intervals
    from lstm_cli.runtime.session import Session
    from lstm_cli.training.trained import Trained

JUDGED_ROWS = 25_000  # windows x targets that the validation scores rest on: neighbours say the same
Scores = dict[str, float | None]  # mae_scaled and mase


@dataclass(frozen=True, kw_only=True)
class Validated:
    """A trained model as it was before a refit: only so has it not seen the validation rows."""

    trained: "Trained"
    graphs: Graphs
    bounds: Bounds
    threads: int

    def scores(self, listen: Listener, should_stop: Callable[[], int | None]) -> dict[str, Scores]:
        """Of the model and its parts, and of the simple forecasts, on validation windows. Raises Interrupted.

        They are spread evenly where they are more than `JUDGED_ROWS`.
        """
        dataset, linear = self.trained.dataset, self.trained.validated.linear
        lookback = self.trained.settings["lookback"]
        windows = scoring.scored_windows(dataset, "val", lookback, linear)
        windows = windows.every(max(1, JUDGED_ROWS // dataset.targets))

        def progress(done: int) -> None:
            heed(should_stop)
            listen(Progressed(stage="validating", done=done, total=len(windows), unit="windows"))

        sums = scoring.score(
            windows,
            scoring.together(
                scoring.model_forecaster(self._session(), lookback, parts=tuple(self.trained.weights)),
                scoring.simple_forecaster(dataset, linear),
            ),
            self.bounds,
            progress=progress,
        )
        scale = scoring.scale_of(dataset)
        return {
            name: {
                key: value
                for key, value in metrics.overall(found, scale).items()
                if key in ("mae_scaled", "mase")
            }
            for name, found in sums.items()
        }

    def intervals(self, listen: Listener, should_stop: Callable[[], int | None]) -> "Intervals":
        """Around the forecasts. Raises Interrupted."""
        from lstm_cli.calibration import fit_intervals

        lookback = self.trained.settings["lookback"]
        forecaster = scoring.model_forecaster(self._session(), lookback)

        def progress(done: int, total: int) -> None:
            heed(should_stop)
            listen(Progressed(stage="fitting intervals", done=done, total=total, unit="windows"))

        return fit_intervals(
            self.trained.dataset,
            lambda batch: forecaster(batch)["model"],
            lookback=lookback,
            progress=progress,
        )

    def picture(self, intervals: "Intervals") -> PictureDrawn:
        """Forecasts of some validation windows."""
        from lstm_cli.steps.score_files import forecast_picture

        dataset, linear = self.trained.dataset, self.trained.validated.linear
        lookback = self.trained.settings["lookback"]
        forecaster = scoring.together(
            scoring.model_forecaster(self._session(), lookback), scoring.simple_forecaster(dataset, linear)
        )
        windows = scoring.scored_windows(dataset, "val", lookback, linear)
        return PictureDrawn(
            name="forecasts", png=forecast_picture(dataset, windows, forecaster, self.bounds, intervals)
        )

    def _session(self) -> "Session":
        from lstm_cli.runtime.session import open_session

        return open_session(self.graphs.validated or self.graphs.shipped, threads=self.threads)
