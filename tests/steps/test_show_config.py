"""Tests of `show config`: the settings of a run, and a file that reproduces the run."""

import tomllib
from pathlib import Path

import pytest
from small_steps import write_panel

from lstm_cli.cli.main import run as lstm
from lstm_cli.rundir import open_run

COLUMNS = ["--series", "shop", "--target", "sales", "--past", "price", "--future", "promo"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run made on the command line with settings from all sources."""
    folder = tmp_path_factory.mktemp("made")
    data = write_panel(folder / "panel.csv")
    (folder / "some.toml").write_text('[train]\nparts = ["linear"]\nrefit = false\n')
    environ = pytest.MonkeyPatch()
    environ.setenv("LSTM_PREPARE_SEASON", "7,14")
    run = folder / "run"
    argv = ["prepare", str(data), str(run), *COLUMNS, "--horizon", "6", "--lookback", "14", "--val", "20"]
    assert lstm([*argv, "--calendar"]) == 0
    assert (
        lstm(["train", str(run), "--config", str(folder / "some.toml"), "--seed", "3", "--max", "1e4"]) == 0
    )
    assert lstm(["quantize", str(run), "--max-loss", "200%", "--to", "fp16"]) == 0
    environ.undo()
    return run


def test_the_run_is_made_again_byte_by_byte(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert lstm(["config", str(made), "--toml"]) == 0
    text = capsys.readouterr().out
    file, data, run = made.parent / "same.toml", made.parent / "panel.csv", made.parent / "again"
    file.write_text(text)
    assert text.splitlines()[0] == f"# lstm prepare {data} {made} --config FILE"
    for argv in (["prepare", data, run], ["train", run], ["quantize", run]):
        assert lstm([*map(str, argv), "--config", str(file)]) == 0
    with open_run(made) as ours, open_run(run) as theirs:
        for name in ("data", "model", "quantized"):
            assert theirs.digest(name) == ours.digest(name), name
        for step in ("prepare", "train", "quantize"):
            assert theirs.entry(step)["config"] == ours.entry(step)["config"]


def test_every_value_is_shown_with_its_source(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert lstm(["config", str(made)]) == 0
    rows = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    shown = {row[0]: [cell.strip() for cell in row[1:] if cell.strip()] for row in rows}
    assert shown["season"] == ["7, 14", "environment LSTM_PREPARE_SEASON"]
    assert shown["val"] == ["20", "flag"]
    assert shown["parts"] == ["linear", f"file {made.parent / 'some.toml'}"]
    assert shown["freq"] == ["unset: D", "default"]
    assert shown["device"] == ["auto: cpu", "default"]
    assert shown["max_loss"] == ["2", "flag"]


def test_the_file_holds_what_was_set_and_what_was_not(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert lstm(["config", str(made), "--toml"]) == 0
    tables = tomllib.loads(capsys.readouterr().out)
    assert list(tables) == ["prepare", "train", "quantize"]
    assert tables["prepare"]["season"] == [7, 14]
    assert tables["train"]["weight_decay"] == 1e-4
    assert "lr" not in tables["train"]  # the model's own
