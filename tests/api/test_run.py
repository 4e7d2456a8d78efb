"""Tests of `prepare`, `open_run` and the methods of a run."""

import json
import logging
import warnings
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from small_frames import FRAMES

import lstm_cli as lstm
from lstm_cli.data import load_windows
from lstm_cli.rundir import open_run

FRAME = FRAMES["days"]
SMALL = {"target": "load", "horizon": 3, "lookback": 7}


def recorded(path: Path) -> dict:
    return json.loads((path / "run.json").read_text())["steps"]["prepare"]


def test_the_same_frame_is_up_to_date_and_another_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "run"
    lstm.prepare(FRAME, path, **SMALL)
    first = (path / "run.json").read_bytes()
    entry = recorded(path)
    assert (entry["report"]["source"], entry["sources"]) == ("DataFrame", dict.fromkeys(SMALL, "python"))
    assert entry["read"]["source"].keys() == {"sha256", "size"}
    lstm.prepare(FRAME.copy(), path, **SMALL)
    assert (path / "run.json").read_bytes() == first
    changed = FRAME.copy()
    changed.loc[3, "load"] += 1
    lstm.prepare(changed, path, **SMALL)
    assert recorded(path)["read"] != entry["read"]


def test_a_file_named_dataframe_is_not_read_for_a_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "DataFrame").mkdir()
    assert lstm.prepare(FRAME, "run", **SMALL).stored_report("prepare").rows == len(FRAME)


def test_a_frame_gives_the_data_of_the_equal_parquet_file(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "days.parquet")
    lstm.prepare(tmp_path / "days.parquet", tmp_path / "file", **SMALL)
    lstm.prepare(FRAME, tmp_path / "frame", **SMALL)
    lstm.prepare(pa.Table.from_pandas(FRAME, preserve_index=False), tmp_path / "table", **SMALL)
    lstm.prepare(FRAME.set_index("time")["load"], tmp_path / "series", **SMALL)
    expected = open_run(tmp_path / "file").artifact("data").bytes("values.npy")
    for name in ("frame", "table", "series"):
        assert open_run(tmp_path / name).artifact("data").bytes("values.npy") == expected


def test_bad_data_leave_nothing_behind(tmp_path: Path) -> None:
    frame = FRAME.copy()
    frame.loc[4, "time"] = pd.NaT
    with pytest.raises(
        lstm.DataError, match="DataFrame, row 5, column 'time': the time is missing"
    ) as caught:
        lstm.prepare(frame, tmp_path / "run", **SMALL)
    assert (caught.value.rule, caught.value.exit_code) == ("D405", 3)
    assert caught.value.hint in str(caught.value)
    assert not (tmp_path / "run").exists()
    with pytest.raises(lstm.UsageError, match="which is not a DataFrame"):
        lstm.prepare([FRAME, FRAME], tmp_path / "run")
    with pytest.raises(lstm.UsageError, match="run='' is not a path"):
        lstm.prepare(FRAME, "", **SMALL)


def test_a_warning_has_its_rule_and_the_line_of_the_caller(tmp_path: Path) -> None:
    frame = FRAME.copy()
    frame.loc[10, "load"] = None
    with pytest.warns(lstm.DataWarning, match="^D602: DataFrame: 1 missing value") as caught:
        lstm.prepare(frame, tmp_path / "run", **SMALL)
    assert [(item.filename, item.message.rule) for item in caught] == [(__file__, "D602")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "D602", lstm.DataWarning)
        lstm.prepare(frame, tmp_path / "run", force=True, **SMALL)


def test_a_script_prints_nothing_and_logs_on_request(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "lstm_cli"):
        lstm.prepare(FRAME, tmp_path / "run", **SMALL)
    assert "reading" in caplog.text
    assert capfd.readouterr() == ("", "")


def test_a_failed_gate_has_the_report(scored: Path) -> None:
    run = lstm.open_run(scored)
    report = run.evaluate(threads=1)
    assert (report.up_to_date, report.metrics["mae"] > 0) == (True, True)
    with pytest.raises(lstm.GateFailed) as caught:
        run.evaluate(fail_if="mae>0", threads=1)
    assert caught.value.report.gates[0]["failed"]
    assert (caught.value.exit_code, isinstance(caught.value, lstm.QualityError)) == (5, True)


def test_stored_reports(scored: Path) -> None:
    run = lstm.open_run(str(scored))
    assert run.stored_report("prepare").rows == 260
    assert run.stored_report("train").model == "segment"
    assert run.stored_report("quantize").to_json()["run"] == str(scored)
    with pytest.raises(lstm.MissingArtifact, match="has no search"):
        run.stored_report("tune")
    with pytest.raises(lstm.UsageError, match="no report of 'predict'"):
        run.stored_report("predict")


def test_settings_of_text_files_are_refused_for_a_frame(tmp_path: Path, trained: Path, panel: Path) -> None:
    for name, value in (("names", ["t", "y"]), ("no_header", True), ("delimiter", ";")):
        message = f"{name} is about text files, and the data are a DataFrame"
        with pytest.raises(lstm.UsageError, match=message):
            lstm.prepare(FRAME, tmp_path / "run", **{name: value})
        with pytest.raises(lstm.UsageError, match=message):
            lstm.check(FRAME, **{name: value})
    with pytest.raises(lstm.UsageError, match="skip_rows is about text files"):
        lstm.open_run(trained).predict(pd.read_csv(panel), skip_rows=1)
    numbered = FRAME.rename(columns={"time": 0, "load": 1})
    assert lstm.prepare(numbered, tmp_path / "run", horizon=3, lookback=7).stored_report(
        "prepare"
    ).targets == ("1",)


def test_a_recorded_forecast_is_scored(run: Path, panel: Path) -> None:
    made = lstm.open_run(run)
    frame = pd.read_csv(panel)
    early = frame.copy()
    early.loc[early["day"] > "2024-04-20", ["sales", "price"]] = None
    assert made.predict(early, record=True, threads=1).attrs["lstm"]["recorded"]
    report = made.score(frame)
    assert report.metrics["mae"] > 0
    with pytest.raises(lstm.GateFailed) as caught:
        made.score(frame, fail_if="mae>0")
    assert caught.value.report.gates[0]["failed"]
    with pytest.raises(lstm.UsageError, match="score reads one file"):
        made.score([panel, panel])


def test_a_night_adds_the_rows_of_a_frame_and_forecasts(run: Path, panel: Path, tmp_path: Path) -> None:
    made, output = lstm.open_run(run), tmp_path / "forecast.csv"
    frame = pd.read_csv(panel)
    frame.loc[frame["day"] == "2024-05-01", "sales"] = 60.0
    report = made.refresh(frame, new_rows=5_000, output=output, keep=2)
    assert (report.verdict, report.rows["added"], report.rows["changed"]) == ("not trained", 0, 2)
    assert [finding["rule"] for finding in report.findings] == ["M408"]
    assert report.forecast["recorded"]
    again = made.predict()
    assert pd.read_csv(output)["sales"].tolist() == pytest.approx(again["sales"].tolist(), rel=1e-6)
    assert [verdict["text"] for verdict in made.history().versions[-1]["verdicts"]] == [report.text]
    with pytest.raises(lstm.UsageError, match="`keep=0` is too small"):
        made.refresh(frame, keep=0)
    with pytest.raises(lstm.UsageError, match="unknown setting 'horizon'"):
        made.refresh(frame, horizon=3)
    with pytest.raises(lstm.DataError):
        made.refresh(frame.drop(columns="price"))


def test_the_page_of_a_run(scored: Path, tmp_path: Path) -> None:
    run, output = lstm.open_run(scored), tmp_path / "report.html"
    assert run.report(output, threads=1).output == str(output)
    assert "</html>" in output.read_text()
    assert run.report(tmp_path / "report.md", threads=1).format == "md"
    for wrong in ("-", "", None):
        with pytest.raises(lstm.UsageError, match="is not a file"):
            run.report(wrong)


def test_a_model_can_start_at_another_one_and_be_rolled_back(run: Path) -> None:
    made = lstm.open_run(run)
    made.train(from_=made, keep=2, force=True, parts="free", hidden=8, epochs=1, refit=False, threads=1)
    assert [version["kept"] for version in made.history().versions] == [True, True]
    assert made.history(rollback=1).current == 1
    assert made.history(drop=2).dropped == 2
    with pytest.raises(lstm.UsageError, match="cannot be combined"):
        made.history(rollback=1, drop=2)
    with pytest.raises(lstm.UsageError, match="`keep=0` is too small"):
        made.train(keep=0)
    with pytest.raises(lstm.UsageError, match="run='' is not a path"):
        made.train(from_="")


def test_the_plot_is_that_of_predict(scored: Path, tmp_path: Path) -> None:
    run = lstm.open_run(scored)
    picture = run.plot()
    picture.save(tmp_path / "saved.png")
    run.predict(plot=tmp_path / "forecast.png")
    assert picture.png.startswith(b"\x89PNG")
    assert (tmp_path / "saved.png").read_bytes() == (tmp_path / "forecast.png").read_bytes() == picture.png


def test_a_plot_in_the_terminal_is_refused(scored: Path, tmp_path: Path) -> None:
    run = lstm.open_run(scored)
    with pytest.raises(lstm.UsageError, match="only the command line"):
        run.predict(plot="-")
    with pytest.raises(lstm.UsageError, match="only the command line"):
        lstm.check(FRAME, plot="-")
    with pytest.raises(lstm.UsageError, match="no setting 'plot'"):
        run.plot(plot="forecast.png")


def test_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(lstm.MissingArtifact, match="not found"):
        lstm.open_run(tmp_path / "run")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(lstm.ForeignFolder):
        lstm.open_run(tmp_path)


def test_windows_of_an_unknown_split_are_refused(trained: Path) -> None:
    run = lstm.open_run(trained)
    X, y = run.load_windows("val").arrays()
    assert (X.shape[1], y.shape[1]) == (14, 7)
    for load in (run.load_windows, lambda split: load_windows(trained, split)):
        with pytest.raises(lstm.UsageError, match="use one of train, val, test"):
            load("tset")


def test_training_takes_the_winner_of_tune(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    winner = {"model": "segment", "dropout": 0.3, "lr": 0.01, "hidden": [8]}
    monkeypatch.setattr("lstm_cli.steps.shared.tuned_settings.tuned_settings", lambda path: winner)
    taken = {}

    def fake(path: Path, config: object, listen: object, **given: object) -> object:
        taken.update(config=config, **given)
        return config

    monkeypatch.setattr("lstm_cli.steps.train.train", fake)
    lstm.open_run(run).train(lr=0.02)
    config = taken["config"]
    assert (config.dropout, config.lr, config.hidden) == (0.3, 0.02, (8,))
    assert taken["sources"] == {"model": "tune", "dropout": "tune", "hidden": "tune", "lr": "python"}
    lstm.open_run(run).train(model="stacked")
    assert taken["config"].dropout is None
    lstm.open_run(run).train(tuned=False)
    assert taken["config"].dropout is None


def test_torchrun_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(lstm.UsageError, match="torchrun"):
        lstm.open_run(run).train()


def test_check_and_verify_and_export(trained: Path, panel: Path, tmp_path: Path) -> None:
    report = lstm.check(pd.read_csv(panel), target="sales", series="shop", plot=tmp_path / "check.png")
    assert (report.series, (tmp_path / "check.png").stat().st_size > 0) == (2, True)
    run = lstm.open_run(trained)
    assert not run.verify().rebuild
    assert Path(run.export(output=tmp_path / "model.onnx").output).is_file()
    with pytest.raises(lstm.DataError) as caught:
        lstm.check(pd.read_csv(panel), target="sale", series="shop")
    assert caught.value.report.rows == 280


def test_environment_variables_do_not_apply(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSTM_PREDICT_HORIZON", "2")
    assert len(lstm.open_run(scored).predict(only="A")) == 7
