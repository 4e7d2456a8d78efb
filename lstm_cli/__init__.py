"""Forecasting of time series with LSTM networks: the command line `lstm`, and the same verbs in Python.

    import lstm_cli as lstm

    run = lstm.prepare(frame, "runs/load", target="OT", horizon=24)
    run.train()
    print(run.evaluate().metrics)
    forecast = run.predict()

The names below load their modules at first use, so that `import lstm_cli` loads neither torch nor pandas.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lstm_cli.api.picture import Picture
    from lstm_cli.api.run import Run, check, open_run, prepare
    from lstm_cli.api.running import DataWarning
    from lstm_cli.errors import (
        ArtifactError,
        CorruptArtifact,
        DataError,
        DeviceError,
        ForeignFolder,
        GateFailed,
        LockedError,
        LstmError,
        MissingArtifact,
        OutputError,
        QualityError,
        QuantizationLoss,
        StaleArtifact,
        TrainingDiverged,
        UsageError,
    )
else:

    def __getattr__(name: str) -> object:  # hidden from type checkers, which would accept any name
        from lstm_cli.lazy_imports import lazy_attributes

        return lazy_attributes(__name__, name, _WHERE)


__version__ = "0.2.0.dev0"
__all__ = [
    "ArtifactError",
    "CorruptArtifact",
    "DataError",
    "DataWarning",
    "DeviceError",
    "ForeignFolder",
    "GateFailed",
    "LockedError",
    "LstmError",
    "MissingArtifact",
    "OutputError",
    "Picture",
    "QualityError",
    "QuantizationLoss",
    "Run",
    "StaleArtifact",
    "TrainingDiverged",
    "UsageError",
    "__version__",
    "check",
    "open_run",
    "prepare",
]
_API = {
    "DataWarning": "api.running",
    "Picture": "api.picture",
    "Run": "api.run",
    "check": "api.run",
    "open_run": "api.run",
    "prepare": "api.run",
}
_WHERE = {name: _API.get(name, "errors") for name in __all__ if name != "__version__"}


def __dir__() -> list[str]:
    return sorted(__all__)
