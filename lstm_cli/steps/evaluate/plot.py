"""Plot of `evaluate`: the stored picture, and its copy or drawing for `--plot`."""

from lstm_cli.config import EvaluateConfig
from lstm_cli.events import Listener, Progressed
from lstm_cli.plots.forecast import Panel
from lstm_cli.plots.terminal import Terminal
from lstm_cli.rundir import Run, replace_file
from lstm_cli.steps.evaluate.score_files import PICTURE
from lstm_cli.steps.evaluate.score_model import Scored, score_subject, scoring_subject
from lstm_cli.steps.shared.forecast_plot import window_panels
from lstm_cli.steps.shared.plot_output import TERMINAL, plot_format, write_forecast_plot


def scored_panels(scored: Scored) -> list[Panel]:
    """Return the panels of the best, the median, the worst and the newest scored window."""
    subject = scored.subject
    return window_panels(
        *(scored.errors, subject.model_only, subject.model.bounds, subject.intervals),
        split=subject.split,
        season=subject.season,
    )


def plot_stored_scores(
    run: Run, config: EvaluateConfig, listen: Listener, terminal: Terminal | None = None
) -> None:
    """Draw the plot of scores that are up to date. A PNG is copied; the rest needs the errors of all windows again.

    Args:
        run: run with the scores.
        config: settings of the step; without a plot, nothing is drawn.
        listen: receives progress events.
        terminal: receives the drawing of `--plot -`.

    Raises:
        OutputError: the file cannot be written.
    """
    if config.plot is None:
        return
    if config.plot != TERMINAL and plot_format(config.plot) == "png":
        replace_file(config.plot, [run.artifact("scores").bytes(PICTURE)])
        return
    panels = scored_panels(score_subject(scoring_subject(run, config), listen))
    listen(Progressed(stage="drawing", done=0))
    write_forecast_plot(config.plot, panels, terminal)
