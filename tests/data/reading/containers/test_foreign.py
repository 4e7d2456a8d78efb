"""Tests of formats that are refused by name: the command in the hint converts the file."""

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather, ipc, orc

from lstm_cli.data.reading.source import open_source
from lstm_cli.data.reading.table import read_table
from lstm_cli.errors import DataError

FRAME = pd.DataFrame({"date": ["2021-01-01", "2021-01-02", "2021-01-03"], "load": [5.5, 6.5, 7.0]})
ROWS = FRAME.to_dict("records")


def write_stream(path: str) -> None:
    table = pa.Table.from_pandas(FRAME, preserve_index=False)
    with ipc.new_stream(path, table.schema) as stream:
        stream.write_table(table)


def write_sqlite(path: str) -> None:
    with sqlite3.connect(path) as connection:
        FRAME.to_sql("TABLE_NAME", connection, index=False)


WRITERS = {
    "feather": ("an Arrow or Feather file", lambda path: feather.write_feather(FRAME, path)),
    "arrows": ("an Arrow stream", write_stream),
    "orc": ("an ORC file", lambda path: orc.write_table(pa.Table.from_pandas(FRAME, preserve_index=False), path)),
    "pkl": ("a Python pickle", FRAME.set_index("date").to_pickle),
    "json": ("JSON", lambda path: Path(path).write_text(json.dumps(ROWS))),
    "jsonl": ("JSON", lambda path: Path(path).write_text("\n".join(map(json.dumps, ROWS)))),
    "db": ("an SQLite database", write_sqlite),
    "dta": ("a Stata file", lambda path: FRAME.to_stata(path, write_index=False, version=118)),
}  # fmt: skip


def refusal(path: Path) -> DataError:
    with pytest.raises(DataError) as caught, open_source(path.name):
        pass
    return caught.value


@pytest.mark.parametrize("stem", ["a", "it's a $file"])
@pytest.mark.parametrize("ending", WRITERS)
def test_the_command_converts_the_file(
    ending: str, stem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"{stem}.{ending}"
    name, write = WRITERS[ending]
    write(str(path))
    error = refusal(path)
    assert error.message == f"{path.name} is {name}, not a table of text"
    command = (
        error.hint.removeprefix("convert it: ").partition(" (")[0] if "(it can" in error.hint else error.hint
    )
    command = command.removeprefix("convert it: ").removesuffix(" ('.tables' lists the tables)")
    if command.startswith("sqlite3") and shutil.which("sqlite3") is None:
        pytest.skip("sqlite3 is not installed")
    subprocess.run(command.replace("python", sys.executable, 1), shell=True, check=True)
    made = next(file for file in tmp_path.iterdir() if file != path)
    assert made.stem == stem
    assert read_table(str(made), targets=["load"], time=("date",)).values[:, 0].tolist() == [5.5, 6.5, 7.0]


def test_an_array_is_converted_to_a_table_without_a_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", np.array([[1.0, 2.0], [3.0, 4.0]]))
    command, _, note = refusal(tmp_path / "a.npy").hint.removeprefix("convert it: ").rpartition(" (")
    assert "--no-header" in note
    subprocess.run(command.replace("python", sys.executable, 1), shell=True, check=True)
    assert np.loadtxt("a.csv", delimiter=",").tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("data", "kind", "command"),
    [
        (b"\xd0\xcf\x11\xe0rest", "old Excel", "pandas.read_excel('x.bin').to_csv('x.csv', index=False)"),
        (bytes(8) + b"DUCK" + bytes(50), "DuckDB", "duckdb x.bin -c \"COPY TABLE_NAME TO 'x.csv'\""),
        (b"\x04\x22\x4d\x18rest", "lz4", "lz4 -d x.bin x"),
        (b"a.csv" + bytes(252) + b"ustar\x0000", "tar", "tar -xf x.bin"),
        (b"\x89HDF\r\n", "HDF5", "t = pandas.read_hdf('x.bin'); t.to_csv('x.csv', index="),
        (b"ccopy_reg\n_reconstructor\n", "Python pickle", "pandas.read_pickle('x.bin')"),
        (b"%PDF-1.7", "PDF", "CSV"),
        (b"\x7fELF", "program", "CSV"),
    ],
)
def test_other_formats_are_named_with_a_way(
    data: bytes, kind: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.bin").write_bytes(data)
    error = refusal(tmp_path / "x.bin")
    assert kind in error.message
    assert command in error.hint


@pytest.mark.parametrize("protocol", [0, 1, 2, 5])
@pytest.mark.parametrize("index", [None, "date"])
def test_a_pickle_keeps_only_an_index_that_holds_something(
    protocol: int, index: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    frame = FRAME if index is None else FRAME.set_index(index)
    frame.to_pickle("a.pkl", protocol=protocol)
    command = refusal(tmp_path / "a.pkl").hint.removeprefix("convert it: ").partition(" (it can")[0]
    subprocess.run(command.replace("python", sys.executable, 1), shell=True, check=True)
    assert (tmp_path / "a.csv").read_text().splitlines()[:2] == ["date,load", "2021-01-01,5.5"]
