"""Tests of runs whose file is not plain CSV in UTF-8: bodies are UTF-8, and have no lines to skip."""

import json
from pathlib import Path

import pytest
from served_runs import LINEAR, answer, hours, wave

from lstm_cli.config import PrepareConfig
from lstm_cli.events import ignore_events
from lstm_cli.serving.model import CSV, JSON, ServedModel
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

ROWS = list(zip(hours(120), wave(120), wave(120, level=9.0), strict=True))
SIZES = {"horizon": 4, "lookback": 12}


def served(text: str, config: PrepareConfig, folder: Path) -> ServedModel:
    """Return the model of a run from a file with a text."""
    path = folder / "data.csv"
    path.write_bytes(text.encode(config.encoding or "utf-8"))
    prepare(str(path), folder / "run", config, ignore_events)
    train(folder / "run", LINEAR, ignore_events)
    return ServedModel.load(folder / "run", threads=1)


def require_same_answers(model: ServedModel, header: str | None) -> None:
    """Check that the CSV example of a run is answered as its JSON example is."""
    description = model.describe()
    assert (description.example_csv.splitlines()[0] == header) == (header is not None)
    records = json.dumps(description.example_records).encode()
    assert answer(model, description.example_csv.encode(), CSV).body == answer(model, records, JSON).body


def test_a_body_is_utf_8_from_its_first_line(tmp_path: Path) -> None:
    lines = ["Export", "of the plant", "Zeit,Größe", *(f"{time},{load}" for time, load, _ in ROWS)]
    config = PrepareConfig(target=("Größe",), encoding="cp1252", skip_rows=2, **SIZES)
    model = served("\n".join(lines), config, tmp_path)
    require_same_answers(model, "Zeit,Größe")
    assert model._plain is not None  # JSON has its direct way


@pytest.mark.parametrize(
    ("given", "names"), [({"no_header": True}, "123"), ({"names": ("t", "x", "y")}, "txy")]
)
def test_the_example_of_a_file_without_a_header_has_none(given: dict, names: str, tmp_path: Path) -> None:
    text = "\n".join(f"{time},{other},{load}" for time, load, other in ROWS)
    config = PrepareConfig(target=(names[2],), time=(names[0],), **SIZES, **given)
    model = served(text, config, tmp_path)
    require_same_answers(model, None)
    assert model.describe().names_without_header == tuple(names)
    assert model.describe().example_csv.splitlines()[-1] == f"{ROWS[-1][0]},,{ROWS[-1][1]}"


def test_blanks_are_the_delimiter_of_the_example(tmp_path: Path) -> None:
    text = "\n".join(["day clock load", *(f"{time}  {load}" for time, load, _ in ROWS)])
    config = PrepareConfig(target=("load",), time=("day", "clock"), delimiter="whitespace", **SIZES)
    require_same_answers(served(text, config, tmp_path), "day clock load")
