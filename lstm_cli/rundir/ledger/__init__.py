"""Ledger of a run: its files and their format."""

from lstm_cli.rundir.ledger.file_format import (
    FORMAT,
    SCHEMA,
    LedgerFile,
    decode_ledger_file,
    encode_ledger_file,
)
from lstm_cli.rundir.ledger.files import (
    ACTUAL,
    FORECAST,
    day_of,
    forecast_name,
    forecast_names,
    read_ledger_file,
    remove_old_forecasts,
    set_aside,
    verify_files,
    write_ledger_file,
)

__all__ = [
    "ACTUAL",
    "FORECAST",
    "FORMAT",
    "SCHEMA",
    "LedgerFile",
    "day_of",
    "decode_ledger_file",
    "encode_ledger_file",
    "forecast_name",
    "forecast_names",
    "read_ledger_file",
    "remove_old_forecasts",
    "set_aside",
    "verify_files",
    "write_ledger_file",
]
