"""Model that answers, and its replacement when the run changes."""

import asyncio
import calendar
import gc
import os
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from typing import Any

from lstm_cli.errors import LstmError
from lstm_cli.library_errors import is_out_of_memory
from lstm_cli.rundir import MANIFEST, open_run
from lstm_cli.serving.http.metrics import FAILED, RELOADED, UNCHANGED, Metrics
from lstm_cli.serving.http.notify import notify, notify_reloading
from lstm_cli.serving.load import load_served
from lstm_cli.serving.model import Answer, ForecastQuery
from lstm_cli.serving.protocol import Served

Print = Callable[[str, str, dict[str, Any]], None]
"""Function that writes one line to stderr: the event, its text and its facts."""
SERVED_FOLDERS = ("model", "quantized", "scores", "data")  # artifacts that a forecast reads
MAX_ANSWERS = 32  # answers to GET that are kept per version
RETRY_AFTER = 30.0  # seconds until a run that could not be loaded is tried again without a change
COLLECT_AFTER = 0.2  # seconds until the memory of the earlier model is freed, if no request uses it

Signature = frozenset[tuple[str, int, int, int]]
"""Path, inode, size and time of files. A run changed if one is gone; new files count only when run.json names them."""


class LoadedModel:
    """Version of the model, with its headers and its answers to GET.

    Args:
        model: model of the run.
        moments: when the `model` was trained, and the time of the newest row of the `data`, if they are known.
    """

    def __init__(self, model: Served, moments: dict[str, float]) -> None:
        self.model = model
        self.moments = moments  # in seconds of Unix time
        self.version_header = (b"lstm-model-version", model.version.encode())
        self.answers: dict[tuple[ForecastQuery, str], asyncio.Task[Answer]] = {}
        self.pages: dict[str, bytes] = {}

    def newest(
        self, query: ForecastQuery, media_type: str, compute: Callable[[], Any]
    ) -> "asyncio.Task[Answer]":
        """Return the task of the answer to GET, which is computed once.

        Args:
            query: query values.
            media_type: media type of the answer.
            compute: function that starts the computation.
        """
        key = (query, media_type)
        task = self.answers.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            if len(self.answers) >= MAX_ANSWERS:
                self.answers.pop(next(iter(self.answers)))
            task = self.answers[key] = asyncio.ensure_future(compute())
            task.add_done_callback(_retrieve_error)
        return task


def _retrieve_error(task: "asyncio.Task[Answer]") -> None:
    """Mark the error of a task as seen, because its client may be gone."""
    if not task.cancelled():
        task.exception()


def load_model(run: Path, *, threads: int | None) -> LoadedModel:
    """Return the model of a run, after one forecast with it. Raises LstmError as `load_served`."""
    model = load_served(run, threads=threads)
    moments = {"model": _trained(run), "data": model.newest_row()}
    return LoadedModel(model, {name: moment for name, moment in moments.items() if moment is not None})


def _trained(run: Path) -> float | None:
    """Return when the model was trained, in seconds of Unix time; None if the run does not say it."""
    with suppress(LstmError, ValueError, KeyError, TypeError), open_run(run) as opened:
        for entry in opened.steps.values():
            if "model" in entry["wrote"]:
                return float(calendar.timegm(time.strptime(entry["times"]["finished"], "%Y-%m-%dT%H:%M:%SZ")))
    return None


def signature_of(run: Path) -> Signature:
    """Return the inode, size and time of run.json and of the files in the folders that a forecast reads."""
    paths = [run / MANIFEST]
    for name in SERVED_FOLDERS:
        with suppress(OSError):
            for folder in (run / name).iterdir():
                paths += folder.iterdir()
    signature = set()
    for path in paths:
        try:
            about = os.stat(path)  # noqa: PTH116
            signature.add((str(path), about.st_ino, about.st_size, about.st_mtime_ns))
        except OSError:
            signature.add((str(path), 0, 0, 0))
    return frozenset(signature)


class ModelReloader:
    """Model that answers, replaced as one reference when the run changes.

    Args:
        run: run directory.
        loaded: model at the start.
        signature: signature of the run from before the model was loaded.
        threads: CPU threads of a forecast; None: all cores.
        metrics: metrics of the server.
        print_line: writes to stderr.
        executor: threads for loading.
    """

    def __init__(
        self,
        run: Path,
        loaded: LoadedModel,
        signature: Signature,
        *,
        threads: int | None,
        metrics: Metrics,
        print_line: Print,
        executor: Executor,
    ) -> None:
        self.current = loaded
        self.reloads = {RELOADED: 0, UNCHANGED: 0, FAILED: 0}
        self._run, self._threads = run, threads
        self._signature = signature
        self._retry_at: float | None = None
        self._failed_text = ""
        self._metrics, self._print, self._executor = metrics, print_line, executor
        self._now = asyncio.Event()
        self._set_metrics()

    def request(self) -> None:
        """Load the run at once, even without a change."""
        self._now.set()

    async def watch(self, interval: float) -> None:
        """Load the run when it changes, or on request, until the task is cancelled.

        Args:
            interval: seconds between two checks; 0: only on request.
        """
        loop = asyncio.get_running_loop()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._now.wait(), interval or None)
            requested = self._now.is_set()
            self._now.clear()
            signature = await loop.run_in_executor(self._executor, signature_of, self._run)
            is_due = self._retry_at is not None and loop.time() >= self._retry_at
            is_change = requested or not self._signature <= signature
            if is_change or is_due:
                await self._reload(signature, is_change=is_change)

    async def _reload(self, signature: Signature, *, is_change: bool) -> None:
        """Load the run next to the model that answers.

        Args:
            signature: signature of the run before it is loaded.
            is_change: whether the run changed or somebody asked, and not only a failed load is tried again.
        """
        loop = asyncio.get_running_loop()
        self._signature = signature
        notify_reloading()
        try:
            loaded = await loop.run_in_executor(self._executor, self._load)
        except Exception as error:
            self._retry_at = loop.time() + RETRY_AFTER
            self._fail(error, is_change=is_change)
        else:
            self._retry_at, self._failed_text = None, ""
            self._swap(loaded)
        finally:
            notify("READY=1")

    def _load(self) -> LoadedModel:
        return load_model(self._run, threads=self._threads)

    def _swap(self, loaded: LoadedModel) -> None:
        before, after = self.current.model, loaded.model
        result = UNCHANGED if (before.version, before.etag) == (after.version, after.etag) else RELOADED
        self.current = loaded
        self._set_metrics()
        # Objects of the earlier model refer to each other, and Python would keep dozens of them for a long time.
        asyncio.get_running_loop().call_later(COLLECT_AFTER, gc.collect)
        if result == RELOADED:
            facts = {"version": after.version, "before": before.version}
            self._print(
                "reloaded", f"version {after.version} answers now, before version {before.version}", facts
            )
        self._count(result)

    def _fail(self, error: Exception, *, is_change: bool) -> None:
        if isinstance(error, LstmError):
            text, hint = error.message, error.hint
        elif is_out_of_memory(error):
            text, hint = "out of memory", "make memory free; the server tries again"
        else:
            text, hint = f"{type(error).__name__}: {error}", "run 'lstm verify' on the run"
        version = self.current.model.version
        if is_change and text != self._failed_text:
            facts = {"message": text, "hint": hint, "version": version}
            self._print("warning", f"warning: version {version} still answers: {text}; hint: {hint}", facts)
            self._failed_text = text
        if is_change:
            self._count(FAILED)

    def _count(self, result: str) -> None:
        self.reloads[result] += 1
        self._metrics.count_reload(result)

    def _set_metrics(self) -> None:
        model = self.current.model
        self._metrics.set_model(model.version, model.etag, self.current.moments)
