"""Tests of `predict --record` and `score` on a small panel: what is kept, what counts, and what is refused."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fresh_process import run_fresh
from small_ledger import RECORD, broken_rows, record, rows_of, until, write_rows
from small_steps import TRAIN

from lstm_cli.config import EvaluateConfig, PredictConfig, ScoreConfig
from lstm_cli.config.predict import Shard
from lstm_cli.errors import ArtifactError, CorruptArtifact, DataError, GateFailed, LockedError, UsageError
from lstm_cli.events import WarningRaised, ignore_events
from lstm_cli.rundir import LEDGER, open_run
from lstm_cli.rundir.transaction import acquire_lock, release_lock
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.history import drop_version, history
from lstm_cli.steps.predict import predict
from lstm_cli.steps.score import score
from lstm_cli.steps.score.report import ScoreReport
from lstm_cli.steps.train import train
from lstm_cli.steps.verify import verify

ONE = EvaluateConfig(threads=1)
ENDS = (
    "2024-04-20",
    "2024-04-27",
    "2024-05-01",
)  # of the rows that a forecast sees; the run ends on 2024-05-09


@pytest.fixture
def scored_run(scored: Path, tmp_path: Path) -> Path:
    """Return a copy of the scored run."""
    return Path(shutil.copytree(scored, tmp_path / "run"))


def ledger_files(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((run / LEDGER).iterdir())}


def rules_of(
    run: Path, source: str | None, config: ScoreConfig | None = None
) -> tuple[ScoreReport, list[str]]:
    """Return the report of `score` and the rules of its warnings."""
    rules = []

    def listen(event: object) -> None:
        if isinstance(event, WarningRaised):
            rules.append(event.finding.rule)

    return score(run, source, config or ScoreConfig(), listen), rules


def forecast_errors(run: Path, panel: Path) -> Iterator[float]:
    """Yield the absolute scaled errors of `forecast.csv`, from the text of both files alone."""
    truth = {(row["day"], row["shop"]): float(row["sales"]) for row in rows_of(panel) if row["sales"]}
    with open_run(run) as opened:
        training = opened.artifact("model").json("training.json")
        names = opened.artifact("model").json("series.json")["names"]
    for row in rows_of(run.parent / "forecast.csv"):
        scale = training["seasonal_error"][names.index(row["shop"])][0]
        yield abs(float(row["sales"]) - truth[row["day"], row["shop"]]) / scale


def test_the_scores_are_those_of_the_forecast_file(scored_run: Path, panel: Path) -> None:
    [report] = record(scored_run, panel, ENDS[0])
    result, rules = rules_of(scored_run, str(panel))
    expected = float(np.mean(list(forecast_errors(scored_run, panel))))  # each series has 7 values
    assert report.recorded is not None
    assert result.metrics["mase"] == pytest.approx(expected, rel=1e-4)
    assert (result.values, result.new_values, result.forecasts["scored"]) == (14, 14, 1)
    assert (result.time_start, result.time_end) == ("2024-04-21", "2024-04-27")
    assert result.trained is not None
    assert result.trained["from"] == "evaluate"
    assert result.model["current"]
    assert len(result.per_step) == 7
    assert [day["day"] for day in result.per_day] == ["2024-04-21"]
    assert rules == ["M405"]  # 26 test rows are too few nights


def test_a_repeated_score_changes_nothing(scored_run: Path, panel: Path) -> None:
    record(scored_run, panel, *ENDS)
    first, _ = rules_of(scored_run, str(panel))
    before, manifest = ledger_files(scored_run), (scored_run / "run.json").read_bytes()
    again, _ = rules_of(scored_run, str(panel))
    assert ledger_files(scored_run) == before
    assert (scored_run / "run.json").read_bytes() == manifest
    assert (first.new_values, again.new_values) == (42, 0)
    assert replace(again, new_values=42) == first


def test_the_history_has_what_each_version_scored(scored_run: Path, panel: Path) -> None:
    """Scores of a version stay in the history when its files and its forecasts are gone."""
    assert [version["since"] for version in history(scored_run).versions] == [None]
    record(scored_run, panel, ENDS[0])
    first, _ = rules_of(scored_run, str(panel))
    train(scored_run, replace(TRAIN, seed=1), ignore_events)
    for path in (scored_run / LEDGER).iterdir():
        path.unlink()
    record(scored_run, panel, ENDS[1], ENDS[2])
    second, _ = rules_of(scored_run, str(panel))
    drop_version(scored_run, 1)
    versions = history(scored_run).versions
    assert [version["kept"] for version in versions] == [False, True]
    for version, report, forecasts in zip(versions, (first, second), (1, 2), strict=True):
        since = version["since"]
        assert (since["forecasts"], since["values"]) == (forecasts, report.values)
        assert since["time_end"] == report.time_end
        assert since["mase"] == pytest.approx(report.metrics["mase"])
        assert since["wql"] == pytest.approx(report.wql)
        assert since["coverage"] == pytest.approx(report.coverage)
        assert since["bias_scaled"] == pytest.approx(report.metrics["bias_scaled"])
        assert since["baseline"]["mase"] == pytest.approx(report.baselines["seasonal_naive"]["mase"])


def test_the_history_keeps_its_scores_when_forecasts_are_removed_from_the_ledger(
    scored_run: Path, panel: Path
) -> None:
    record(scored_run, panel, ENDS[0], ENDS[1])
    score(scored_run, str(panel), ScoreConfig(), ignore_events)
    (before,) = history(scored_run).versions
    for path in sorted((scored_run / LEDGER).iterdir())[:2]:  # the older forecast, and its values
        path.unlink()
    report = score(scored_run, str(panel), ScoreConfig(), ignore_events)
    assert (before["since"]["forecasts"], report.forecasts["scored"]) == (2, 1)
    assert history(scored_run).versions[0]["since"] == before["since"]
    record(scored_run, panel, ENDS[2])
    score(scored_run, str(panel), ScoreConfig(), ignore_events)
    assert history(scored_run).versions[0]["since"]["time_end"] > before["since"]["time_end"]


def test_the_data_of_the_run_give_the_same_scores(scored_run: Path, panel: Path) -> None:
    record(scored_run, panel, *ENDS)
    from_run, _ = rules_of(scored_run, None)
    from_file, _ = rules_of(scored_run, str(panel))
    assert from_file.metrics == from_run.metrics
    assert from_file.changed_values == 0


def test_the_newest_rows_are_enough_and_earlier_values_stay(
    scored_run: Path, panel: Path, tmp_path: Path
) -> None:
    """Each night brings one week of rows, with the columns that score needs only."""
    record(scored_run, panel, *ENDS)
    whole, _ = rules_of(scored_run, str(panel))
    for path in (scored_run / LEDGER).glob("*.actual"):
        path.unlink()
    for day in range(21, 31):
        rows = [
            {name: row[name] for name in ("day", "shop", "sales")}
            for row in rows_of(panel)
            if row["day"] == f"2024-04-{day}"
        ]
        rules_of(scored_run, write_rows(tmp_path / "newest.csv", rows))
    rows = [row for row in rows_of(panel) if row["day"] >= "2024-05-01"]
    last, _ = rules_of(scored_run, write_rows(tmp_path / "newest.csv", rows))
    assert last.metrics == pytest.approx(whole.metrics)
    assert last.values == whole.values


def test_a_missing_value_does_not_count(scored_run: Path, panel: Path, tmp_path: Path) -> None:
    record(scored_run, panel, ENDS[0])
    rows = rows_of(panel)
    for row in rows:
        if (row["day"], row["shop"]) == ("2024-04-23", "A"):
            row["sales"] = ""
    result, rules = rules_of(scored_run, write_rows(tmp_path / "gap.csv", rows))
    assert result.values == 13
    assert "D602" not in rules


def test_a_corrected_value_counts(scored_run: Path, panel: Path, tmp_path: Path) -> None:
    record(scored_run, panel, ENDS[0])
    before, _ = rules_of(scored_run, str(panel))
    rows = rows_of(panel)
    for row in rows:
        if (row["day"], row["shop"]) == ("2024-04-23", "A"):
            row["sales"] = str(float(row["sales"]) + 100)
    corrected = write_rows(tmp_path / "corrected.csv", rows)
    result, rules = rules_of(scored_run, corrected)
    assert result.changed_values == 1
    assert "M403" in rules
    assert (result.metrics["mae"] or 0) > (before.metrics["mae"] or 0) + 5
    result, rules = rules_of(scored_run, corrected)
    assert result.changed_values == 0
    assert "M403" not in rules


def test_an_empty_ledger_names_the_command(scored_run: Path) -> None:
    with pytest.raises(DataError, match=r"ledger of .* is empty") as caught:
        rules_of(scored_run, None)
    assert caught.value.rule == "D860"
    assert "--record" in caught.value.hint


def test_a_forecast_that_has_not_come_true_names_its_first_time(scored_run: Path) -> None:
    predict(scored_run, None, replace(RECORD, output=os.devnull), ignore_events)
    with pytest.raises(DataError, match=r"no forecast has come true yet .* 2024-05-10") as caught:
        rules_of(scored_run, None)
    assert caught.value.rule == "D861"


def test_the_same_forecast_is_recorded_once(scored_run: Path, panel: Path) -> None:
    first, second = record(scored_run, panel, ENDS[0], ENDS[0])
    assert first.recorded == second.recorded
    assert len(ledger_files(scored_run)) == 1


def test_a_part_of_a_panel_does_not_count_twice(scored_run: Path, panel: Path) -> None:
    record(scored_run, panel, ENDS[0])
    whole, _ = rules_of(scored_run, str(panel))
    record(scored_run, panel, ENDS[0], config=replace(RECORD, only=("A",)))
    result, _ = rules_of(scored_run, str(panel))
    assert result.forecasts["recorded"] == 2
    assert (result.values, result.metrics) == (whole.values, pytest.approx(whole.metrics))


def test_shards_are_one_forecast(scored_run: Path, panel: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(scored_run, tmp_path / "other" / "run"))
    record(other, panel, ENDS[0])
    for number in (1, 2, 3):
        record(scored_run, panel, ENDS[0], config=replace(RECORD, shard=Shard(number=number, count=3)))
    assert len(ledger_files(scored_run)) == 2  # the third shard has no series
    sharded, whole = (rules_of(run, str(panel))[0] for run in (scored_run, other))
    assert sharded.metrics == pytest.approx(whole.metrics)
    assert sharded.values == whole.values


def test_the_options_of_the_output_do_not_change_the_ledger(scored_run: Path, panel: Path) -> None:
    """Without intervals, or beyond the horizon, the entry has the quantiles and the steps of the model."""
    record(scored_run, panel, ENDS[0])
    before, _ = rules_of(scored_run, str(panel))
    for path in (scored_run / LEDGER).iterdir():
        path.unlink()
    record(scored_run, panel, ENDS[0], config=replace(RECORD, intervals=False))
    after, _ = rules_of(scored_run, str(panel))
    assert after.metrics == pytest.approx(before.metrics)
    assert after.coverage == before.coverage
    assert after.wql == pytest.approx(before.wql)


def test_learnt_rows_are_not_recorded(scored_run: Path, panel: Path) -> None:
    [report] = record(scored_run, panel, "2024-03-20")
    assert report.recorded is None
    assert [finding["rule"] for finding in report.findings if finding["rule"].startswith("M4")] == ["M401"]
    assert not (scored_run / LEDGER).exists()


def test_sample_paths_are_not_recorded() -> None:
    with pytest.raises(UsageError, match="--samples and --record cannot be combined"):
        PredictConfig(record=True, samples=10)


def test_old_days_are_removed(scored_run: Path, panel: Path) -> None:
    record(scored_run, panel, *ENDS, config=replace(RECORD, keep_days=2))
    assert [name[:8] for name in ledger_files(scored_run)] == ["20240428", "20240502"]


def test_a_ledger_that_cannot_be_written_leaves_the_forecast(scored_run: Path, panel: Path) -> None:
    (scored_run / LEDGER).write_text("not a folder")
    with pytest.raises(ArtifactError, match="the forecast was written, but not recorded") as caught:
        record(scored_run, panel, ENDS[0])
    assert caught.value.exit_code == 4
    assert len(rows_of(scored_run.parent / "forecast.csv")) == 14


def test_a_corrupt_entry_is_reported_once_and_left_out(scored_run: Path, panel: Path) -> None:
    record(scored_run, panel, *ENDS)
    whole, _ = rules_of(scored_run, str(panel))
    first = sorted((scored_run / LEDGER).glob("*.forecast"))[0]
    first.write_bytes(first.read_bytes()[:-1] + b"?")
    with pytest.raises(CorruptArtifact, match="ledger") as caught:
        verify(scored_run, ignore_events)
    assert "lstm score" in caught.value.hint
    result, rules = rules_of(scored_run, str(panel))
    assert "M402" in rules
    assert (result.forecasts["left_out"], result.forecasts["scored"]) == (1, 2)
    assert result.values == whole.values - 14
    verify(scored_run, ignore_events)
    result, rules = rules_of(scored_run, str(panel))
    assert "M402" not in rules
    assert result.forecasts["recorded"] == 2


def test_corrupt_measured_values_are_read_again(scored_run: Path, panel: Path) -> None:
    record(scored_run, panel, ENDS[0])
    whole, _ = rules_of(scored_run, str(panel))
    actual = next((scored_run / LEDGER).glob("*.actual"))
    actual.write_bytes(b"{}")
    result, rules = rules_of(scored_run, str(panel))
    assert "M402" in rules
    assert result.metrics == whole.metrics


def test_conditions(scored_run: Path, panel: Path) -> None:
    record(scored_run, panel, *ENDS)
    passing = ScoreConfig(
        fail_if=("mase>99*trained.mase", "coverage.80<0", "bias_scaled>9", "mae>9*seasonal_naive.mae")
    )
    assert [gate["failed"] for gate in rules_of(scored_run, str(panel), passing)[0].gates] == [False] * 4
    with pytest.raises(GateFailed) as caught:
        rules_of(scored_run, str(panel), ScoreConfig(fail_if=("mase>0.001*trained.mase", "alarms>0")))
    report = caught.value.report
    assert isinstance(report, ScoreReport)
    assert [gate["failed"] for gate in report.gates] == [True, True]
    assert "'lstm evaluate" not in report.gates[1]["reason"]  # it would change nothing
    assert report.gates[1]["reason"].startswith("alarms is undefined, because the scores have fewer windows")
    assert "refresh" in (caught.value.hint or "")


def test_a_condition_of_another_baseline_names_the_one_that_exists(scored_run: Path, panel: Path) -> None:
    record(scored_run, panel, ENDS[0])
    with pytest.raises(GateFailed, match="have a season: use seasonal_naive") as caught:
        rules_of(scored_run, str(panel), ScoreConfig(fail_if=("mase>naive.mase",)))
    assert "train" not in (caught.value.hint or "")  # it would not help


def test_missing_rows_of_the_actual_values_are_no_warning(
    scored_run: Path, panel: Path, tmp_path: Path
) -> None:
    record(scored_run, panel, ENDS[0])
    rows = [row for row in rows_of(panel) if row["day"] != "2024-04-22"]
    report, rules = rules_of(scored_run, write_rows(tmp_path / "gap.csv", rows))
    assert (report.values, "D516" in rules) == (12, False)


@pytest.mark.parametrize("condition", ["mase>linear.mase", "mass>1", "mase>trained.alarms", "mase"])
def test_an_unknown_condition_is_refused_before_the_work(condition: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--fail-if"):
        score(tmp_path, None, ScoreConfig(fail_if=(condition,)), ignore_events)


def test_older_models_are_apart(scored_run: Path, panel: Path, tmp_path: Path) -> None:
    record(scored_run, panel, *ENDS[:2])
    before, _ = rules_of(scored_run, str(panel))
    train(scored_run, replace(TRAIN, seed=7), ignore_events)
    waiting, _ = rules_of(scored_run, str(panel))
    assert not waiting.model["current"]
    assert waiting.metrics == before.metrics
    assert before.trained is not None
    assert (
        waiting.trained is not None
    )  # from the history: the scores of the run are those of the new model soon
    evaluate(replaced := Path(shutil.copytree(scored_run, tmp_path / "run2")), ONE, ignore_events)
    known, _ = rules_of(replaced, str(panel), ScoreConfig(fail_if=("mase>99*trained.mase",)))
    assert known.trained is not None
    assert {name: known.trained[name] for name in ("from", "mase", "wql")} == {
        name: before.trained[name] for name in ("from", "mase", "wql")
    }
    with pytest.raises(GateFailed, match="the history has only"):
        rules_of(replaced, str(panel), ScoreConfig(fail_if=("mae>trained.mae",)))
    record(scored_run, panel, ENDS[2])
    after, _ = rules_of(scored_run, str(panel))
    assert after.model["current"]
    assert after.older is not None
    assert (after.older["models"], after.older["forecasts"]) == (1, 2)
    assert after.older["metrics"] == pytest.approx(before.metrics)
    assert after.trained is not None
    assert after.trained["from"] == "train"  # the new model is not evaluated
    assert after.test["nights"] == 2  # those of the old model, which the entry or the scores promise
    assert after.test["without_promise"] == 1
    evaluate(scored_run, ONE, ignore_events)
    assert rules_of(scored_run, str(panel))[0].test["nights"] == 3


def test_a_run_without_scores_says_what_is_missing(trained: Path, tmp_path: Path, panel: Path) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    record(run, panel, *ENDS)
    with pytest.raises(GateFailed, match="has not scored this model"):
        rules_of(run, str(panel), ScoreConfig(fail_if=("wql>trained.wql",)))


def test_scoring_waits_for_the_lock_and_recording_does_not(scored_run: Path, panel: Path) -> None:
    lock = acquire_lock(scored_run)
    try:
        record(scored_run, panel, ENDS[0])
        with pytest.raises(LockedError):
            rules_of(scored_run, str(panel))
    finally:
        release_lock(lock)
    assert rules_of(scored_run, str(panel))[0].values == 14


def test_a_file_of_other_series_scores_nothing(scored_run: Path, panel: Path, tmp_path: Path) -> None:
    record(scored_run, panel, ENDS[0])
    rows = [row | {"shop": f"other {row['shop']}"} for row in rows_of(panel)]
    with pytest.raises(DataError) as caught:
        rules_of(scored_run, write_rows(tmp_path / "other.csv", rows))
    assert caught.value.rule == "D861"


def test_neither_verb_loads_torch_pandas_or_scikit_learn(scored_run: Path, panel: Path) -> None:
    new = until(panel, ENDS[0], scored_run.parent / "new.csv")
    output = str(scored_run.parent / "forecast.csv")
    for argv in (
        ("predict", str(scored_run), new, "--record", "-o", output),
        ("score", str(scored_run), str(panel)),
    ):
        code, loaded, done = run_fresh(*argv)
        assert code == 0, done.stderr
        assert not {"torch", "pandas", "sklearn", "matplotlib"} & loaded
    assert "onnxruntime" not in loaded  # score runs no model


def test_what_the_test_lacks_is_named(scored_run: Path, trained: Path, panel: Path, tmp_path: Path) -> None:
    """Without scores, the hint is `evaluate`; with too few windows, more test rows."""
    unscored = Path(shutil.copytree(trained, tmp_path / "unscored" / "run"))
    for run, advice in ((unscored, "'lstm evaluate "), (scored_run, "--test of 'lstm prepare'")):
        record(run, panel, ENDS[0])
        report, rules = rules_of(run, str(panel))
        assert "M405" in rules
        assert advice in " ".join(report.warnings)
        assert report.test["limit"] is None


def test_an_alarm_comes_with_its_reasons(scored_run: Path, panel: Path, tmp_path: Path, monkeypatch) -> None:
    """Seven days in a row are far off, for a promise whose limit is known."""
    monkeypatch.setattr("lstm_cli.monitoring.lost_accuracy.sequential_test.MIN_NIGHTS", 2)
    days = [f"2024-04-{day}" for day in range(20, 27)]
    record(scored_run, panel, *days)
    good, rules = rules_of(scored_run, str(panel))
    assert not good.test["alarm"]
    assert good.test["nights"] == 7
    assert good.drift is None
    assert "M404" not in rules
    source = broken_rows(panel, "2024-04-21", tmp_path / "broken.csv")
    bad, rules = rules_of(scored_run, source)
    assert bad.test["alarm"]
    assert "M404" in rules
    assert bad.test["alarms"][0]["ratio"] > 1.5
    assert bad.drift is not None
    assert [each["column"] for each in bad.drift] == ["sales"]  # the file of actual values has no covariates
    with pytest.raises(GateFailed, match="alarms is"):
        rules_of(scored_run, source, ScoreConfig(fail_if=("alarms>0",)))


def test_corrupt_scores_do_not_prevent_a_forecast(scored_run: Path, panel: Path) -> None:
    errors = next(scored_run.glob("scores/*/origin_errors.npy"))
    errors.write_bytes(errors.read_bytes()[:-1] + b"!")
    [report] = record(scored_run, panel, ENDS[0])
    assert report.recorded is not None
    with pytest.raises(CorruptArtifact, match="origin_errors"):
        rules_of(scored_run, str(panel))
