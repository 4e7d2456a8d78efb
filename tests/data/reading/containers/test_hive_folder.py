"""Tests of hive folders: files in subfolders such as `shop=Aachen` are one data set."""

import copy
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lstm_cli.data.quality.profile import profile_files
from lstm_cli.data.reading import csv_fast
from lstm_cli.data.reading.source import expand_paths
from lstm_cli.data.reading.table import Table, read_table
from lstm_cli.errors import DataError

DAYS = np.arange("2021-01-01", "2021-01-05", dtype="datetime64[D]")


def write(root: Path, folder: str, values: list[float], kind: str) -> None:
    path = root / folder / f"part-0.{kind}"
    path.parent.mkdir(parents=True)
    if kind == "parquet":
        pq.write_table(pa.table({"date": DAYS[: len(values)], "load": values}), path)
    else:
        rows = [f"{day},{value}" for day, value in zip(DAYS, values, strict=False)]
        path.write_text("\n".join(["date,load", *rows]) + "\n")


def by_series(table: Table) -> dict[str, list[float]]:
    return {
        name: table.values[table.series == code, 0].tolist() for code, name in enumerate(table.series_names)
    }


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_folders_are_columns(kind: str, tmp_path: Path) -> None:
    write(tmp_path, "shop=Aachen", [1.0, 2.0], kind)
    write(tmp_path, "shop=K%C3%B6ln%2FS%C3%BCd", [3.0, 4.0, 5.0], kind)
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "shop=Aachen" / ".part-0.crc").touch()
    table = read_table(str(tmp_path), series=("shop",))
    assert by_series(table) == {"Aachen": [1.0, 2.0], "Köln/Süd": [3.0, 4.0, 5.0]}
    assert table.columns == ("load",)
    assert sorted(table.read) == [str(path) for path in sorted(tmp_path.rglob("part-0.*"))]
    assert [column.name for column in profile_files(str(tmp_path)).columns] == ["date", "load", "shop"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_column_of_numbers_may_be_a_folder(kind: str, tmp_path: Path) -> None:
    write(tmp_path, "price=1.5", [1.0, 2.0], kind)
    write(tmp_path, "price=__HIVE_DEFAULT_PARTITION__", [3.0], kind)
    values = read_table(str(tmp_path), targets=("load",), past=("price",)).values
    np.testing.assert_array_equal(values, [[1.0, 1.5], [2.0, 1.5], [3.0, np.nan]])


def test_a_large_file_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "shop=Aachen", [1.0, 2.0, 3.0, 4.0], "csv")
    for name in ("BULK_MIN_BYTES", "HEAD_BYTES", "SAMPLE_ROWS", "TAIL_BYTES"):
        monkeypatch.setattr(csv_fast, name, 0)
    assert by_series(read_table(str(tmp_path), series=("shop",))) == {"Aachen": [1.0, 2.0, 3.0, 4.0]}
    assert read_table(str(tmp_path)).values[:, 0].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_a_column_of_the_file_is_read_from_the_file(tmp_path: Path) -> None:
    write(tmp_path, "load=7", [1.0, 2.0], "csv")
    assert read_table(str(tmp_path)).values[:, 0].tolist() == [1.0, 2.0]


def test_folders_may_be_nested_and_paths_stay_known(tmp_path: Path) -> None:
    write(tmp_path, "region=N/shop=1", [1.0], "csv")
    write(tmp_path, "region=S/shop=1", [2.0], "csv")
    paths = copy.deepcopy(expand_paths(str(tmp_path)))  # as dataclasses.asdict copies them
    assert expand_paths(paths) == paths
    assert by_series(read_table(paths, targets=("load",), series=("region",))) == {"N": [1.0], "S": [2.0]}


def test_a_run_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(DataError, match="is a run directory, not data"):
        expand_paths(str(tmp_path))


def test_a_file_outside_of_the_subfolders_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "shop=Aachen", [1.0], "csv")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match=r"notes.txt is not in a subfolder shop=…"):
        expand_paths(str(tmp_path))


@pytest.mark.parametrize(
    ("names", "pattern"),
    [(["a.csv", "b.csv"], "*.csv"), (["x/a.parquet"], "**/*.parquet"), (["a.csv.gz"], "*.gz")],
)
def test_another_folder_is_refused_with_a_pattern_that_works(
    names: list[str], pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in names:
        path = tmp_path / "my [data]" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with pytest.raises(DataError, match="is a folder without subfolders") as caught:
        expand_paths("my [data]")
    quoted = caught.value.hint.partition(": ")[2]
    assert quoted == f"'my [[]data]/{pattern}'"
    assert [Path(path).name for path in expand_paths(quoted.strip("'"))] == [
        Path(name).name for name in names
    ]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder") as caught:
        expand_paths(str(tmp_path))
    assert "no files" in caught.value.hint


def test_a_column_of_the_folder_is_named_where_its_files_are_given(tmp_path: Path) -> None:
    write(tmp_path, "shop=Aachen", [1.0, 2.0], "csv")
    with pytest.raises(DataError, match="column 'shop'") as caught:
        read_table(str(tmp_path / "*" / "*.csv"), series=("shop",))
    assert f"name the folder {tmp_path}/ in place of its files" in caught.value.hint
