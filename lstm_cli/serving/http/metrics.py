"""Metrics of the server for Prometheus, in a registry of their own."""

import time
from collections.abc import Callable
from functools import cache, partial

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
WINDOWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
CONTENT_TYPE = CONTENT_TYPE_LATEST
RELOADED, UNCHANGED, FAILED = RELOADS = ("reloaded", "unchanged", "failed")

AGES = {
    "model": ("lstm_model_age_seconds", "Time since the model was trained."),
    "data": ("lstm_data_age_seconds", "Time since the newest row of the data of the run."),
}


class Metrics:
    """Metrics of one server."""

    def __init__(self) -> None:
        disable_created_metrics()  # they double the number of time series
        registry = self._registry = CollectorRegistry()
        requests = Counter(
            "lstm_requests", "Requests that were answered.", ("route", "status"), registry=registry
        )
        seconds = Histogram(
            "lstm_request_seconds", "Time from the headers of a request to its answer.", ("route",),
            buckets=SECONDS, registry=registry,
        )  # fmt: skip
        # The children are kept, because labels() costs more than the count itself.
        self._requests: Callable[[str, int], Counter] = cache(
            lambda route, status: requests.labels(route, str(status))
        )
        self._seconds: Callable[[str], Histogram] = cache(seconds.labels)
        self.batch_windows = Histogram(
            "lstm_batch_windows", "Windows in a batch.", buckets=WINDOWS, registry=registry
        )
        self.batch_seconds = Histogram(
            "lstm_batch_seconds", "Time of the model for a batch.", buckets=SECONDS, registry=registry
        )
        self._reloads = Counter(
            "lstm_reloads", "Loads of a changed run while serving.", ("result",), registry=registry
        )
        for result in RELOADS:
            self._reloads.labels(result)
        self._reload_failing = Gauge(
            "lstm_reload_failing",
            "1 if the run cannot be loaded, so the earlier model answers.",
            registry=registry,
        )
        self.ready = Gauge("lstm_ready", "1 if the server accepts requests.", registry=registry)
        self._queue = Gauge("lstm_queue_requests", "Requests that wait for a batch.", registry=registry)
        self._connections = Gauge("lstm_connections", "Open connections.", registry=registry)
        self._version = Gauge(
            "lstm_model_version", "Number of the model version that answers.", registry=registry
        )
        self._info = Gauge(
            "lstm_model_info", "Model version that answers.", ("version", "etag"), registry=registry
        )
        self._loaded = Gauge(
            "lstm_model_loaded_timestamp_seconds", "Time when the model was loaded.", registry=registry
        )
        self._ages: list[Gauge] = []  # of the model that answers
        ProcessCollector(registry=registry)

    def watch(self, *, queue: Callable[[], int], connections: Callable[[], int]) -> None:
        """Set the functions that return the waiting requests and the open connections."""
        self._queue.set_function(queue)
        self._connections.set_function(connections)

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count an answer.

        Args:
            route: path of the route, or `other`.
            status: HTTP status.
            seconds: time of the request.
        """
        self._requests(route, status).inc()
        self._seconds(route).observe(seconds)

    def count_reload(self, result: str) -> None:
        """Count a load of a changed run: one of RELOADS."""
        self._reloads.labels(result).inc()
        self._reload_failing.set(result == FAILED)

    def set_model(self, version: str, etag: str, moments: dict[str, float]) -> None:
        """Set the model that answers.

        Args:
            version: version of the model.
            etag: tag of the model and the data.
            moments: moment of each of AGES that is known, in seconds of Unix time.
        """
        self._info.clear()
        self._info.labels(version, etag).set(1)
        self._version.set(float(version) if version.isdecimal() else 0.0)
        self._loaded.set(time.time())
        for gauge in self._ages:
            self._registry.unregister(gauge)
        self._ages = [Gauge(*AGES[subject], registry=self._registry) for subject in moments]
        for gauge, moment in zip(self._ages, moments.values(), strict=True):
            gauge.set_function(partial(_age, moment))

    def render(self) -> bytes:
        """Return all metrics as text."""
        return generate_latest(self._registry)


def _age(moment: float) -> float:
    return max(0.0, time.time() - moment)
