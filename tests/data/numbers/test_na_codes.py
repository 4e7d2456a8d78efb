"""Tests of the codes of --na-value: 32-bit numbers, and codes that no cell has."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lstm_cli.config.text import TextSettings
from lstm_cli.data.reading import csv_fast
from lstm_cli.data.reading.table import read_table


def read(data: bytes, *codes: str, **options: object):
    text = TextSettings(na_value=codes)
    return read_table("-", targets=["y"], text=text, stdin=io.BytesIO(data), **options)


def unseen(table) -> list[str]:
    return [finding.text for finding in table.findings if finding.rule == "D320"]


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64(), pa.float16(), pa.int64()])
def test_a_code_equals_the_numbers_of_a_parquet_column_in_its_own_precision(tmp_path, kind):
    code = "-99" if pa.types.is_integer(kind) else "-99.9"
    cells = np.array([1, float(code), 3]).astype(kind.to_pandas_dtype())
    pq.write_table(
        pa.table({"date": ["2020-01-01", "2020-01-02", "2020-01-03"], "y": cells}), tmp_path / "f.parquet"
    )
    table = read_table(str(tmp_path / "f.parquet"), targets=["y"], text=TextSettings(na_value=(code,)))
    assert np.isnan(table.values[:, 0]).tolist() == [False, True, False]
    assert unseen(table) == []


@pytest.mark.parametrize("bulk", [False, True])
def test_a_code_that_no_cell_has_is_a_warning(bulk, monkeypatch):
    if bulk:
        for name in ("BULK_MIN_BYTES", "HEAD_BYTES", "TAIL_BYTES"):
            monkeypatch.setattr(csv_fast, name, 1)
    rows = "".join(
        f"2020-01-{day:02d},{'?' if day == 9 else -200.0 if day == 8 else day}\n" for day in range(1, 29)
    )
    data = b"date,y\n" + rows.encode()
    assert unseen(read(data, "?", "-200")) == []
    (text,) = unseen(read(data, "?", "-20"))
    assert "'-20'" in text
    assert "leave out --na-value=-20" in text


def test_a_code_in_a_column_of_categories_counts_and_usual_words_are_categories():
    data = b"date,y,event\n2020-01-01,1,none\n2020-01-02,2,?\n2020-01-03,3,\n2020-01-04,4,NA\n2020-01-05,5,fair\n"
    table = read(data, "?", past=["event"])
    assert table.categories == {"event": ("none", "NA", "fair")}
    assert unseen(table) == []
    missing = next(finding for finding in table.findings if finding.rule == "D241")
    assert (missing.count, missing.lines) == (2, (3,))
