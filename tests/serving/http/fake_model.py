"""Model without a run: it reads numbers, and forecasts their sum. Its version is the text of run.json."""

import hashlib
import json
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lstm_cli.errors import CorruptArtifact, DataError, LstmError, UsageError
from lstm_cli.findings import Finding, at_line
from lstm_cli.serving.model import (
    CSV,
    JSON,
    Answer,
    BodyTooLarge,
    ForecastFailed,
    ForecastQuery,
    MalformedBody,
    Rows,
)
from lstm_cli.serving.service import FORECASTS

WARNING = Finding(rule="D602", text="1 missing value is filled", source="body", column="load")
BAD_CELL = at_line("body", 3)


class FakeModel:
    """Model whose forecast of a request is the sum of its numbers; `before_forecast` is called with each batch."""

    service = FORECASTS

    def __init__(self, version: str, before_forecast: Callable[[Sequence[Rows]], None] | None = None) -> None:
        self.version = version
        self.etag = hashlib.sha256(version.encode()).hexdigest()
        self.batches: list[int] = []  # windows of each batch
        self.newest_calls = 0
        self.before_forecast = before_forecast
        self.threads: set[int] = set()

    @classmethod
    def load(cls, run: Path, *, threads: int | None) -> "FakeModel":
        text = (run / "run.json").read_text().strip()
        if not text.isdecimal():
            raise CorruptArtifact(f"{run}/run.json: checksum mismatch", hint="run 'lstm verify'")
        return cls(text)

    def read(self, body: bytes, media_type: str, query: ForecastQuery) -> Rows:
        if query.series:
            raise UsageError(f"series={query.series[0]} is unknown", hint="see the list of series")
        try:
            numbers = json.loads(body) if media_type == JSON else [float(line) for line in body.split()]
        except ValueError:
            raise MalformedBody("the body is not JSON", hint="send a list") from None
        if "large" in numbers:
            raise BodyTooLarge("the table of the body has 9 cells", hint="send fewer rows")
        if "bad" in numbers:
            raise DataError("'bad' is not a number", hint="write a number", rule="D301", at=BAD_CELL)
        return Rows(windows=max(1, len(numbers)), findings=(WARNING,), _data=(numbers, query.horizon or 1))

    def newest_row(self) -> float | None:
        """Return the time of the data of version 2; the other versions have none."""
        return 1.7e9 if self.version == "2" else None

    def warm_up(self) -> None:
        """Do nothing: no reader is loaded late."""

    def newest(self, query: ForecastQuery) -> Rows:
        self.newest_calls += 1
        return Rows(windows=1, findings=(), _data=([40, 2], query.horizon or 1))

    def forecast(self, rows: Sequence[Rows]) -> list[Any]:
        self.threads.add(threading.get_ident())
        self.batches.append(sum(item.windows for item in rows))
        if self.before_forecast is not None:
            self.before_forecast(rows)
        return [self._forecast(*item._data) for item in rows]

    def _forecast(self, numbers: list[float], horizon: int) -> list[float] | LstmError:
        if "bug" in numbers:
            failed = ForecastFailed("the forecast failed: KeyError")
            failed.__cause__ = KeyError("bug")
            return failed
        if "memory" in numbers:
            raise MemoryError
        if "refused" in numbers:
            return DataError("too few rows", hint="send more rows", rule="D801")
        return [sum(numbers)] * horizon

    def write(self, rows: Rows, forecast: list[float], media_type: str, *, key: str = "values") -> Answer:
        document = {"version": self.version, key.replace("forecast", "values"): forecast}
        body = json.dumps(document) if media_type == JSON else "\n".join(map(str, ["load", *forecast]))
        return Answer(body=f"{body}\n".encode(), media_type=media_type, warnings=rows.findings)


def install() -> None:
    """Load the fake instead of the model of a run, in this process."""
    from lstm_cli.serving.http import loaded_model

    loaded_model.load_served = FakeModel.load


def command(*argv: str) -> list[str]:
    """Return the command of a new process that serves the fake."""
    program = "import fake_model; fake_model.install(); from lstm_cli.cli.main import main; main()"
    return [sys.executable, "-c", program, "serve", *argv]


__all__ = ["CSV", "JSON", "WARNING", "FakeModel", "command", "install"]
