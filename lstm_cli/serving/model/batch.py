"""Batch of windows for several requests."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from lstm_cli.data.dataset.windows import Batch
from lstm_cli.data.forecast.fed_back import ModelRuns
from lstm_cli.data.forecast.output import Forecast
from lstm_cli.errors import DeviceError, LstmError
from lstm_cli.library_errors import is_out_of_memory
from lstm_cli.serving.model.request import ForecastFailed
from lstm_cli.serving.model.rows import PlainRows, Rows

RunModel: TypeAlias = Callable[
    [np.ndarray, np.ndarray, np.ndarray], np.ndarray
]  # past, future, mask -> [B, H, C]
Result: TypeAlias = Forecast | LstmError


@dataclass(kw_only=True)
class _Waiting:
    """Request, or several plain ones, whose windows wait for the model."""

    numbers: list[int]  # of the requests
    runs: ModelRuns[Forecast] | ModelRuns[list[Result]]
    batch: Batch


def forecast_batch(requests: Sequence[Rows], session: RunModel) -> list[Result]:
    """Return the forecast of each request, or its error.

    Each round sends the windows of all unfinished requests through the session at once. A request with a horizon beyond
    the trained one has several rounds. If a batch fails, each of its requests runs again alone, so that only those fail
    that are wrong.

    Args:
        requests: rows of the requests.
        session: model.
    """
    results: dict[int, Result] = {}
    waiting = list(_begin(requests, list(range(len(requests))), results))
    while waiting:
        again: list[_Waiting] = []
        for one, made in _run(waiting, session):
            failed = _advance(one, made, results)
            if failed is None:
                again += [one] if one.numbers[0] not in results else []
            elif len(one.numbers) == 1:
                results[one.numbers[0]] = _as_expected(failed)
            else:
                for number in one.numbers:
                    again += _begin(requests, [number], results)
        waiting = again
    return [results[number] for number in range(len(requests))]


def _begin(
    requests: Sequence[Rows], numbers: Sequence[int], results: dict[int, Result]
) -> Iterator[_Waiting]:
    """Yield the requests that wait for the model, plain ones together. Set the results of the others."""
    plain: dict[int, list[int]] = {}
    for number in numbers:
        content = requests[number]._data
        if isinstance(content, PlainRows):
            plain.setdefault(id(content.forecasts), []).append(number)
            continue
        try:
            started = content.take()
        except Exception as error:
            results[number] = _as_expected(error)
            continue
        if started.waiting is not None:
            yield _Waiting(numbers=[number], runs=started.runs, batch=started.waiting)
        elif started.result is not None:
            results[number] = started.result
    for together in plain.values():
        contents = [
            content for number in together if isinstance(content := requests[number]._data, PlainRows)
        ]
        runs = contents[0].forecasts.windows([content.window for content in contents])
        yield _Waiting(numbers=together, runs=runs, batch=next(runs))


def _run(waiting: Sequence[_Waiting], session: RunModel) -> list[tuple[_Waiting, np.ndarray | Exception]]:
    """Return each of them with the forecast of its windows, or with the error of the session."""
    batches = [(one.batch.past, one.batch.future, one.batch.mask) for one in waiting]
    if len(waiting) == 1:
        try:
            return [(waiting[0], session(*batches[0]))]
        except Exception as error:
            return [(waiting[0], error)]
    try:
        forecast = session(*(np.concatenate(arrays) for arrays in zip(*batches, strict=True)))
    except Exception:
        return [pair for one in waiting for pair in _run([one], session)]
    ends = np.cumsum([len(past) for past, _, _ in batches])[:-1]
    return list(zip(waiting, np.split(forecast, ends), strict=True))


def _advance(one: _Waiting, made: np.ndarray | Exception, results: dict[int, Result]) -> Exception | None:
    """Hand over the forecast of the windows, and set the results if they were the last ones.

    Args:
        one: requests that waited.
        made: forecast [B, H, C] of their windows, or the error of the session.
        results: results by number of the request.

    Returns:
        The error, if they failed.
    """
    if isinstance(made, Exception):
        return made
    try:
        one.batch = one.runs.send(made)
    except StopIteration as end:
        values = end.value if isinstance(end.value, list) else [end.value]
        results.update(zip(one.numbers, values, strict=True))
    except Exception as error:
        return error
    return None


def _as_expected(error: Exception) -> LstmError:
    """Return the error; of memory, or of a bug, an error with it as the cause."""
    if isinstance(error, LstmError):
        return error
    failed: LstmError
    if is_out_of_memory(error):
        failed = DeviceError("out of memory during the forecast", hint="send fewer rows")
    else:
        failed = ForecastFailed(f"the forecast failed: {type(error).__name__}")
    failed.__cause__ = error
    return failed
