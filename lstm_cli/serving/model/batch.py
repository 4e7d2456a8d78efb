"""One batch of windows for several requests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.dataset.windows import Batch
from lstm_cli.data.forecast.fed_back import ModelRuns
from lstm_cli.data.forecast.output import Forecast
from lstm_cli.errors import LstmError
from lstm_cli.serving.model.request_errors import ForecastFailed
from lstm_cli.serving.model.rows import Rows

RunModel = Callable[
    [np.ndarray, np.ndarray, np.ndarray], np.ndarray
]  # past, future, mask -> forecast [B, H, C]


@dataclass(kw_only=True)
class _Waiting:
    """Request whose windows wait for the model."""

    number: int  # of the request
    runs: ModelRuns[Forecast]
    batch: Batch


def forecast_batch(requests: Sequence[Rows], session: RunModel) -> list[Forecast | LstmError]:
    """Return the forecast of each request, or its error.

    Each round sends the windows of all unfinished requests through the session at once. A request with a horizon beyond
    the trained one has several rounds. If the session fails, each request runs again alone, so that only those fail
    that are wrong.

    Args:
        requests: rows of the requests.
        session: model.
    """
    results: list[Forecast | LstmError | None] = [None] * len(requests)
    waiting: list[_Waiting] = []
    for number, rows in enumerate(requests):
        try:
            started = rows.take()
        except Exception as error:
            results[number] = _as_expected(error)
            continue
        if started.waiting is None:
            results[number] = started.result
        else:
            waiting.append(_Waiting(number=number, runs=started.runs, batch=started.waiting))
    while waiting:
        waiting = [one for one, made in _run(waiting, session) if not _finished(one, made, results)]
    return [_complete(result) for result in results]


def _run(waiting: Sequence[_Waiting], session: RunModel) -> list[tuple[_Waiting, np.ndarray | Exception]]:
    """Return each request with the forecast of its windows, or with the error of the session."""
    if len(waiting) == 1:
        batch = waiting[0].batch
        try:
            return [(waiting[0], session(batch.past, batch.future, batch.mask))]
        except Exception as error:
            return [(waiting[0], error)]
    joined = [
        np.concatenate([getattr(one.batch, name) for one in waiting]) for name in ("past", "future", "mask")
    ]
    try:
        forecast = session(*joined)
    except Exception:
        return [pair for one in waiting for pair in _run([one], session)]
    ends = np.cumsum([len(one.batch.past) for one in waiting]).tolist()
    return [(one, forecast[end - len(one.batch.past) : end]) for one, end in zip(waiting, ends, strict=True)]


def _finished(
    one: _Waiting, made: np.ndarray | Exception, results: list[Forecast | LstmError | None]
) -> bool:
    """Return whether a request is complete after its windows were forecast; then its result is set."""
    if isinstance(made, Exception):
        results[one.number] = _as_expected(made)
        return True
    try:
        one.batch = one.runs.send(made)
    except StopIteration as end:
        results[one.number] = end.value
        return True
    except Exception as error:
        results[one.number] = _as_expected(error)
        return True
    return False


def _as_expected(error: Exception) -> LstmError:
    """Return the error, or the error of a bug with it as the cause."""
    if isinstance(error, LstmError):
        return error
    failed = ForecastFailed(f"the forecast failed: {type(error).__name__}")
    failed.__cause__ = error
    return failed


def _complete(result: Forecast | LstmError | None) -> Forecast | LstmError:
    assert result is not None
    return result
