"""Metrics of the server for Prometheus, in a registry of their own."""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Metric

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
WINDOWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
RELOADED, UNCHANGED, FAILED = RELOADS = ("reloaded", "unchanged", "failed")

AGES = {
    "model": ("lstm_model_age_seconds", "Time since the model was trained."),
    "data": ("lstm_data_age_seconds", "Time since the newest row of the data of the run."),
}


class Counts:
    """Numbers of values in ranges, as a histogram has them.

    Args:
        bounds: upper bounds of the ranges, which they include.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """Return the upper bounds, and the number of values up to each."""
        total, result = 0, []
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            total += count
            result.append(("+Inf" if bound == float("inf") else str(float(bound)), float(total)))
        return result


class Metrics:
    """Metrics of one server. Only the thread of its event loop changes them.

    The counts are plain numbers, and the Prometheus client writes them when somebody asks. So the server starts without
    the client, and a request costs little.
    """

    def __init__(self) -> None:
        self.batch_windows, self.batch_seconds = Counts(WINDOWS), Counts(SECONDS)
        self._requests: dict[tuple[str, int], int] = {}  # by route and status
        self._seconds: dict[str, Counts] = {}  # by route
        self._reloads = dict.fromkeys(RELOADS, 0)
        self._is_reload_failing = False
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}  # help and value of each
        self._version, self._etag, self._loaded = "", "", 0.0
        self._moments: dict[str, float] = {}

    def watch(
        self, *, ready: Callable[[], float], queue: Callable[[], float], connections: Callable[[], float]
    ) -> None:
        """Set the functions that return what changes by itself.

        Args:
            ready: whether the server accepts requests.
            queue: number of requests that wait.
            connections: number of open connections.
        """
        self._gauges = {
            "lstm_ready": ("1 if the server accepts requests.", ready),
            "lstm_queue_requests": ("Requests that wait for a batch.", queue),
            "lstm_connections": ("Open connections.", connections),
        }

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count an answer.

        Args:
            route: path of the route, or `other`.
            status: HTTP status.
            seconds: time of the request.
        """
        key = (route, status)
        self._requests[key] = self._requests.get(key, 0) + 1
        counts = self._seconds.get(route)
        if counts is None:
            counts = self._seconds[route] = Counts(SECONDS)
        counts.observe(seconds)

    def count_reload(self, result: str) -> None:
        """Count a load of a changed run: one of RELOADS."""
        self._reloads[result] += 1
        self._is_reload_failing = result == FAILED

    def set_model(self, version: str, etag: str, moments: dict[str, float]) -> None:
        """Set the model that answers.

        Args:
            version: version of the model.
            etag: tag of the model and the data.
            moments: moment of each of AGES that is known, in seconds of Unix time.
        """
        self._version, self._etag, self._loaded, self._moments = version, etag, time.time(), moments

    def collect(self) -> "Iterator[Metric]":
        """Yield the metrics for the Prometheus client."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        requests = CounterMetricFamily(
            "lstm_requests", "Requests that were answered.", labels=("route", "status")
        )
        for (route, status), count in self._requests.items():
            requests.add_metric((route, str(status)), count)
        yield requests
        seconds = HistogramMetricFamily(
            "lstm_request_seconds", "Time from the headers of a request to its answer.", labels=("route",)
        )
        for route, counts in self._seconds.items():
            seconds.add_metric((route,), counts.buckets(), counts.sum)
        yield seconds
        for name, text, counts in (
            ("lstm_batch_windows", "Windows in a batch.", self.batch_windows),
            ("lstm_batch_seconds", "Time of the model for a batch.", self.batch_seconds),
        ):
            yield HistogramMetricFamily(name, text, buckets=counts.buckets(), sum_value=counts.sum)
        reloads = CounterMetricFamily(
            "lstm_reloads", "Loads of a changed run while serving.", labels=("result",)
        )
        for result, count in self._reloads.items():
            reloads.add_metric((result,), count)
        yield reloads
        info = GaugeMetricFamily("lstm_model_info", "Model version that answers.", labels=("version", "etag"))
        info.add_metric((self._version, self._etag), 1)
        yield info
        for name, (text, value) in self._current_gauges().items():
            yield GaugeMetricFamily(name, text, value=value)

    def _current_gauges(self) -> dict[str, tuple[str, float]]:
        """Return the help and the value of each gauge without labels."""
        version = float(self._version) if self._version.isdecimal() else 0.0
        now = time.time()
        gauges = {name: (text, float(value())) for name, (text, value) in self._gauges.items()}
        gauges |= {
            "lstm_reload_failing": (
                "1 if the run cannot be loaded, so the earlier model answers.",
                float(self._is_reload_failing),
            ),
            "lstm_model_version": ("Number of the model version that answers.", version),
            "lstm_model_loaded_timestamp_seconds": ("Time when the model was loaded.", self._loaded),
        }
        for subject, moment in self._moments.items():
            name, text = AGES[subject]
            gauges[name] = (text, max(0.0, now - moment))
        return gauges

    def render(self) -> bytes:
        """Return all metrics as text."""
        from prometheus_client.exposition import generate_latest

        return generate_latest(self._registry)

    def warm_up(self) -> None:
        """Load the Prometheus client, for which the first reader of the metrics would wait. Any thread can do it."""
        _ = self.content_type, self._registry

    @cached_property
    def content_type(self) -> bytes:
        """Return the media type of the text."""
        from prometheus_client.exposition import CONTENT_TYPE_LATEST

        return CONTENT_TYPE_LATEST.encode()

    @cached_property
    def _registry(self) -> "CollectorRegistry":
        from prometheus_client import CollectorRegistry, ProcessCollector

        registry = CollectorRegistry()
        registry.register(self)
        ProcessCollector(registry=registry)
        return registry
