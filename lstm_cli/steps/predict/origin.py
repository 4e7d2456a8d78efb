"""Origin of `predict --origin`, and the warning if the model learned from rows after it."""

from typing import TYPE_CHECKING

import numpy as np

from lstm_cli.config import PredictConfig
from lstm_cli.findings import MODEL, Finding
from lstm_cli.inference.trained_model import TrainedModel
from lstm_cli.steps.predict.data import ForecastData, Warn

if TYPE_CHECKING:
    from lstm_cli.data.forecast.origin import Origin


def requested_origin(config: PredictConfig, model: TrainedModel) -> "Origin | None":
    """Return the origin of `--origin`; None without it.

    Raises:
        UsageError: it is neither a time nor a row.
        DataError: it is a time and the data have none, or vice versa.
    """
    if config.origin is None:
        return None
    from lstm_cli.data.forecast.origin import parse_origin

    return parse_origin(config.origin, model.schema)


def warn_learned_rows(
    data: ForecastData, model: TrainedModel, origin: "Origin | None", warn: Warn, *, own: bool
) -> None:
    """Warn once if the model learned from rows after the origin, because the forecast is then too good.

    The model learned from its training rows, and from the validation rows too: the refit, early stopping and the
    intervals used them.

    Args:
        data: rows before the forecast.
        model: trained model.
        origin: last row that the forecast knows; None without --origin.
        warn: receives the finding.
        own: the data are those of the run. The rows of other data without times are not comparable.
    """
    if origin is None or not (own or model.schema.time_name):
        return
    from lstm_cli.data.forecast.series_names import SeriesIndex

    index = SeriesIndex(model.series.names)
    found = [index.find(name) for name in data.dataset.series.names]
    chosen = np.array(
        [number for number, position in enumerate(found) if position is not None], dtype=np.int64
    )
    if not len(chosen):
        return
    trained = np.array([position for position in found if position is not None])
    series, step = data.dataset.series, model.schema.step
    first_steps = step.times(series.count[chosen], series.origin_us[chosen])
    learned = step.times(model.series.val_end[trained] - 1, model.series.origin_us[trained])
    if not (first_steps <= learned).any():
        return
    last = origin.show(int(learned.max()))
    text = (
        f"the model learned from rows after --origin '{origin.text}', up to {last}, so this forecast is better than "
        f"one of unseen rows (use --origin '{last}' or later)"
    )
    warn(Finding(rule="M106", kind=MODEL, text=text, flags=("--origin",)))
