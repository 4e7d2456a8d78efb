"""Tests of `refresh` on small runs: what it learns, keeps, replaces and writes."""

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_ledger import broken_rows, rows_of, until, write_rows
from small_nights import FIRST, choose, refreshed, result
from small_steps import LINEAR, model_files

from lstm_cli.cli.main import run as main
from lstm_cli.config import EvaluateConfig, RefreshConfig, ScoreConfig
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.errors import (
    ArtifactError,
    DataError,
    GateFailed,
    Interrupted,
    OutputError,
    StaleArtifact,
    TrainingDiverged,
    UsageError,
)
from lstm_cli.events import ignore_events
from lstm_cli.inference.trained_model import load_model
from lstm_cli.rundir import open_run
from lstm_cli.rundir.ledger import forecast_names
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.history import history, roll_back
from lstm_cli.steps.refresh import challenger, compare, night, refresh
from lstm_cli.steps.runs.summary import summarize
from lstm_cli.steps.score import score
from lstm_cli.steps.train import train
from lstm_cli.training import train_model as training

OLD = b"an older forecast\n"


def units(run: Path) -> dict[str, np.ndarray]:
    """Return the targets of each series in the file's units, NaN where missing."""
    with open_run(run) as opened:
        data = load_dataset(opened)
        return {
            name: np.where(
                data.measured[rows, :1],
                data.scaler.inverse_transform(data.values_scaled[rows], index)[:, :1],
                np.nan,
            )[: data.series.count[index], 0]
            for index, (name, rows) in enumerate(zip(data.series.names, data.series.row_slices, strict=True))
        }


def sales(path: Path, shop: str) -> np.ndarray:
    return np.array([float(row["sales"]) for row in rows_of(path) if row["shop"] == shop and row["sales"]])


def test_a_night_without_a_training_adds_the_rows_and_keeps_the_model(run: Path, big: Path) -> None:
    before = model_files(run)
    report = refreshed(run, big, "2024-05-11", RefreshConfig(output=str(run.parent / "f.csv"), new_rows=500))
    assert (report.verdict, report.version) == ("not trained", 1)
    assert report.rows["added"] == 4  # two days of two shops
    assert report.rows["overlap"] == 2 * 130
    assert report.rows["changed"] == 0
    assert model_files(run) == before
    newest = list(csv.DictReader((run.parent / "f.csv").read_text().splitlines()))
    assert {row["day"] for row in newest} == {f"2024-05-{day}" for day in range(12, 19)}
    assert report.forecast["recorded"] is not None
    for shop, values in units(run).items():
        np.testing.assert_allclose(values, sales(big, shop)[:132], rtol=1e-5)


def test_the_newest_part_gives_the_same_data_as_the_whole_export(
    run: Path, big: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(run, tmp_path / "other" / "run"))
    refreshed(run, big, "2024-05-12")
    rows = [row for row in rows_of(Path(until(big, "2024-05-12", tmp_path / "w.csv"))) if row["day"] > FIRST]
    report = refresh(other, write_rows(tmp_path / "part.csv", rows), RefreshConfig(), ignore_events)
    assert report.rows["overlap"] == 0
    for shop, values in units(other).items():
        np.testing.assert_allclose(values, units(run)[shop], rtol=1e-5)


def test_the_file_wins_where_it_overlaps_and_the_count_is_reported(
    run: Path, big: Path, tmp_path: Path
) -> None:
    rows = [
        row | {"sales": "77.5"} if row["day"] == "2024-05-01" and row["shop"] == "A" else row
        for row in rows_of(Path(until(big, "2024-05-10", tmp_path / "whole.csv")))
        if row["day"] >= "2024-05-01"
    ]
    report = refresh(run, write_rows(tmp_path / "part.csv", rows), RefreshConfig(), ignore_events)
    assert (report.rows["overlap"], report.rows["changed"], report.rows["added"]) == (18, 1, 2)
    assert units(run)["A"][121] == pytest.approx(77.5, rel=1e-5)


def test_a_file_without_newer_rows_is_a_warning(run: Path, big: Path) -> None:
    report = refreshed(run, big, FIRST)
    assert [finding["rule"] for finding in report.findings] == ["M408"]
    assert report.rows["added"] == 0


def test_the_challenger_learns_no_held_out_row_and_the_champion_neither(
    run: Path, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held-out rows come after the last row of the champion, and change nothing that the challenger learns."""
    with open_run(run) as opened:
        champion = load_model(opened)
    other = Path(shutil.copytree(run, run.parent / "other" / "run"))
    seen, trained = [], []

    def spy(dataset, config, **given):
        seen.append(dataset)
        trained.append(original(dataset, config, **given))
        return trained[-1]

    original = training.train_model
    monkeypatch.setattr(training, "train_model", spy)
    report = refreshed(run, big, "2024-06-20", RefreshConfig(always=True, from_scratch=True, margin=9.0))
    (dataset,) = seen
    table = dataset.series
    learnt = dict(zip(champion.series.names, champion.series.val_end.tolist(), strict=True))
    for name, end, count in zip(table.names, table.val_end.tolist(), table.count.tolist(), strict=True):
        assert end > learnt[name]  # it learns rows that are new to the champion
        assert count - end >= 2 * champion.schema.horizon
    # A change of the held-out rows must not change what the training learns.
    broken = write_rows(
        run.parent / "broken.csv",
        [
            row | {"sales": "1"} if row["day"] > "2024-06-15" and row["sales"] else row
            for row in rows_of(Path(until(big, "2024-06-20", run.parent / "w.csv")))
        ],
    )
    again = refresh(other, broken, RefreshConfig(always=True, from_scratch=True, margin=9.0), ignore_events)
    assert not np.array_equal(seen[0].values_scaled, seen[1].values_scaled)
    weights = [each.shipped.network.state_dict() for each in trained]
    for name, tensor in weights[0].items():
        np.testing.assert_array_equal(tensor, weights[1][name])
    assert report.comparison is not None
    assert again.comparison is not None
    assert report.comparison["windows"] >= 2 * champion.schema.horizon


def test_both_models_are_scored_on_the_same_windows(
    run: Path, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}
    original = compare._shared

    def spy(*args):
        seen["windows"] = original(*args)
        seen["learnt"] = args[2]
        return seen["windows"]

    monkeypatch.setattr(compare, "_shared", spy)
    refreshed(run, big, "2024-06-20", RefreshConfig(always=True, margin=9.0))
    own, theirs = seen["windows"]
    np.testing.assert_array_equal(own.origins, theirs.origins)
    offset = own.dataset.series.offset
    assert (own.origins - offset[own.series] >= seen["learnt"][own.series]).all()


def test_a_champion_that_stays_keeps_its_bytes(run: Path, big: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(monkeypatch, better=False)
    before = model_files(run)
    report = refreshed(run, big, "2024-05-20", RefreshConfig(always=True))
    assert (report.verdict, report.version) == ("kept", 1)
    assert model_files(run) == before


def test_a_better_challenger_learns_all_rows_and_can_be_rolled_back(
    run: Path, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(monkeypatch, better=True)
    report = refreshed(run, big, "2024-06-20", RefreshConfig(always=True))
    assert (report.verdict, report.version) == ("replaced", 2)
    with open_run(run) as opened:
        model = load_model(opened)
        assert opened.report("evaluate")["split"] == "val"  # the promise of the new model
    assert model.series.val_end.tolist() == [172, 172]
    versions = history(run).versions
    assert [version["made_by"] for version in versions] == ["train", "refresh"]
    assert roll_back(run, 1).current == 1


@pytest.mark.parametrize("before_is_better", [True, False])
def test_the_better_one_of_the_challengers_before_and_after_the_refit_counts(
    run: Path, big: Path, before_is_better: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One version has a wrong linear forecast."""

    def spoil_one(dataset, config, **given):
        assert config.refit
        trained = original(dataset, config, **given)
        spoiled = trained.shipped if before_is_better else trained.validated
        spoiled.network.linear.bias.add_(9.0)
        return trained

    original = training.train_model
    monkeypatch.setattr(training, "train_model", spoil_one)
    report = refreshed(run, big, "2024-06-20", RefreshConfig(always=True, margin=9.0))
    assert report.comparison is not None
    assert report.comparison["refitted"] is not before_is_better
    assert report.comparison["difference"] > -20


@pytest.mark.parametrize("refit", [True, False])
def test_the_new_model_is_refitted_if_that_was_better_and_its_settings_stay(
    run: Path, big: Path, refit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A preference of one night must not decide for all later ones."""
    train(run, replace(LINEAR, refit=not refit), ignore_events)
    monkeypatch.setattr(night, "compare", lambda *args: replace(result(better=True), refitted=refit))
    assert refreshed(run, big, "2024-06-20", RefreshConfig(always=True)).verdict == "replaced"
    with open_run(run) as opened:
        assert load_model(opened).refitted is opened.report("train")["refitted"] is refit
        assert opened.entry("train")["config"]["refit"] is not refit


@pytest.mark.parametrize(
    ("difference", "interval", "replaces"),
    [(5.0, [1.0, 9.0], True), (5.0, [-1.0, 11.0], False), (0.5, [0.1, 0.9], False), (None, None, False)],
)
def test_the_rule_of_the_comparison(
    difference: float | None, interval: list[float] | None, replaces: bool
) -> None:
    compared = replace(result(better=True), difference=difference, interval=interval)
    assert compared.is_better(0.01) is replaces


def test_a_failed_challenger_leaves_the_forecast_to_the_champion(
    run: Path, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args):
        raise TrainingDiverged("the loss is not finite")

    monkeypatch.setattr(night, "compare", fail)
    before = model_files(run)
    output = run.parent / "forecast.csv"
    report = refreshed(run, big, "2024-05-20", RefreshConfig(always=True, output=str(output)))
    assert (report.verdict, report.version) == ("failed", 1)
    assert "M407" in [finding["rule"] for finding in report.findings]
    assert output.exists()
    assert model_files(run) == before


def test_a_failure_of_the_training_on_all_rows_keeps_the_champion(
    run: Path, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args, **given):
        raise TrainingDiverged("the loss is not finite")

    choose(monkeypatch, better=True)
    monkeypatch.setattr(challenger, "train_and_commit", fail)
    before = model_files(run)
    report = refreshed(run, big, "2024-05-20", RefreshConfig(always=True))
    assert (report.verdict, report.version) == ("failed", 1)
    assert model_files(run) == before


def test_a_spent_budget_keeps_the_champion(run: Path, big: Path) -> None:
    report = refreshed(run, big, "2024-06-20", RefreshConfig(always=True, budget=1e-9))
    assert report.verdict == "failed"
    assert "--budget" in report.reason


def test_a_signal_ends_the_night_after_the_rows_are_stored(run: Path, big: Path) -> None:
    source = until(big, "2024-06-20", run.parent / "new.csv")
    with pytest.raises(Interrupted):
        refresh(run, source, RefreshConfig(always=True), ignore_events, should_stop=lambda: 2)
    assert len(units(run)["A"]) == 172
    assert refresh(run, source, RefreshConfig(), ignore_events).version == 1


def test_a_condition_that_fails_for_both_models_is_exit_5(
    run: Path, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(monkeypatch, better=True)
    output = run.parent / "forecast.csv"
    config = RefreshConfig(always=True, fail_if=("mase>0.5",), output=str(output))
    with pytest.raises(GateFailed) as failed:
        refreshed(run, big, "2024-05-20", config)
    assert failed.value.exit_code == 5
    assert failed.value.report.verdict == "kept"  # a challenger that fails replaces nothing
    assert output.exists()


def test_a_condition_that_fails_for_the_champion_alone_is_no_failure(
    run: Path, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(monkeypatch, better=True)
    report = refreshed(run, big, "2024-05-20", RefreshConfig(always=True, fail_if=("mase>0.95",)))
    assert report.verdict == "replaced"
    assert [gate["failed"] for gate in report.gates] == [True, False]


def test_a_condition_of_another_figure_is_refused(run: Path, big: Path) -> None:
    with pytest.raises(UsageError, match=r"coverage\.80"):
        refreshed(run, big, "2024-05-20", RefreshConfig(fail_if=("coverage.80<70",)))


def test_a_broken_file_changes_nothing(run: Path, tmp_path: Path) -> None:
    output = tmp_path / "forecast.csv"
    output.write_bytes(OLD)
    broken = tmp_path / "broken.csv"
    broken.write_text("day,shop\n2024-05-10,A\n")
    before = (run / "run.json").read_bytes()
    with pytest.raises(DataError):
        refresh(run, str(broken), RefreshConfig(output=str(output)), ignore_events)
    assert output.read_bytes() == OLD
    assert (run / "run.json").read_bytes() == before


@pytest.mark.parametrize(
    ("lines", "hint"),
    [
        ("day,shop,price,promo\n2024-05-10,A,5,1\n", "use the names of the training data"),
        (
            "day,shop,sales,price,promo\n2024-05-10,A,,5,1\n",
            "give rows with targets before those after the last target",
        ),
    ],
)
def test_a_file_without_targets_gets_no_hint_at_an_option_of_predict(
    run: Path, tmp_path: Path, lines: str, hint: str
) -> None:
    source = tmp_path / "without.csv"
    source.write_text(lines)
    with pytest.raises(DataError) as refused:
        refresh(run, str(source), RefreshConfig(), ignore_events)
    assert refused.value.hint == hint


def test_the_hints_after_a_night_lead_in_no_circle(run: Path, big: Path) -> None:
    """`train` would replace the model without a comparison, and `evaluate` needs a model of the newest rows."""
    refreshed(run, big, "2024-05-11", RefreshConfig(new_rows=500))
    refreshed(run, big, "2024-05-13", RefreshConfig(new_rows=500))
    with pytest.raises(StaleArtifact) as stale:
        evaluate(run, EvaluateConfig(), ignore_events)
    assert "lstm train" not in (stale.value.hint or "")
    assert f"lstm refresh {run} DATA --always" in (stale.value.hint or "")
    assert summarize(open_run(run)).next == f"lstm refresh {run} DATA --always"
    report = score(run, None, ScoreConfig(), ignore_events)
    (warning,) = [finding["text"] for finding in report.findings if finding["rule"] == "M405"]
    assert "lstm evaluate" not in warning
    assert f"lstm refresh {run} DATA --always" in warning


def test_a_night_without_a_test_says_so(run: Path, big: Path) -> None:
    """A verdict with "no alarm" would hide that nothing watches the model."""
    report = refreshed(run, big, "2024-05-11", RefreshConfig(new_rows=500))
    assert report.reason.endswith(", no test")
    report = refreshed(run, big, "2024-05-13", RefreshConfig(new_rows=500))
    assert report.ledger is not None
    assert report.ledger["test"] == "none"
    assert report.reason.endswith(", no test")
    assert [finding["rule"] for finding in report.findings].count("M405") == 1


@pytest.mark.parametrize("scored", [True, False])
def test_the_forecasts_after_a_rollback_are_tested_if_the_model_made_a_promise(
    run: Path, big: Path, scored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`evaluate` refuses the earlier model, so no hint may name it, and none a training that replaces the model."""
    choose(monkeypatch, better=True)
    if scored:
        evaluate(run, EvaluateConfig(threads=1), ignore_events)
    refreshed(run, big, "2024-05-20", RefreshConfig(new_rows=500))
    assert refreshed(run, big, "2024-06-10", RefreshConfig(always=True)).verdict == "replaced"
    roll_back(run, 1)
    for day in ("2024-06-11", "2024-06-12"):
        refreshed(run, big, day, RefreshConfig(new_rows=500))
    report = score(run, until(big, "2024-06-25", run.parent / "actuals.csv"), ScoreConfig(), ignore_events)
    warnings = [finding["text"] for finding in report.findings if finding["rule"] in ("M405", "M406")]
    assert report.test["without_promise"] == (0 if scored else 3)
    assert ["left out" in text for text in warnings] == ([False] if scored else [False, True])
    assert "--val of 'lstm prepare'" in warnings[0]  # the scores are of validation rows
    assert not any("evaluate" in text or "--always" in text for text in warnings)


def test_an_alarm_leads_to_a_training(
    run: Path, big: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sales are broken from 2024-05-21 on, and only an alarm may lead to a training."""
    monkeypatch.setattr("lstm_cli.monitoring.lost_accuracy.sequential_test.MIN_NIGHTS", 2)
    evaluate(run, EvaluateConfig(threads=1), ignore_events)
    broken = Path(broken_rows(big, "2024-05-21", tmp_path / "broken.csv"))
    for number in range(0, 40, 2):
        day = str(np.datetime64("2024-05-20") + number)
        report = refreshed(run, broken, day, RefreshConfig(new_rows=10_000, max_age=1e6))
        if report.verdict != "not trained":
            break
    assert report.reason == "alarm: the accuracy is lost"
    assert "M404" in [finding["rule"] for finding in report.findings]
    assert report.comparison is not None


def test_fourteen_nights(run: Path, big: Path) -> None:
    """Each night forecasts and is scored later; a training comes after --new-rows."""
    versions, scored = [], 0
    for number in range(14):
        day = str(np.datetime64("2024-05-25") + number)
        report = refreshed(run, big, day, RefreshConfig(new_rows=49))
        versions.append((report.verdict, report.version))
        scored = report.ledger["forecasts"] if report.ledger else 0
    verdicts = [verdict for verdict, _ in versions]
    assert verdicts.count("not trained") >= 12
    assert len(verdicts) - verdicts.count("not trained") >= 1
    assert scored >= 12
    assert {path.name for path in (run / "data").iterdir()} == {f"{15:04d}"}
    assert len(list((run / "model").iterdir())) <= 3
    records = json.loads((run / "run.json").read_text())["models"]
    assert sum(len(record.get("verdicts", ())) for record in records) >= 3


def test_the_ledger_keeps_as_many_days_as_the_option_says(run: Path, big: Path) -> None:
    for day in ("2024-05-10", "2024-05-11", "2024-05-12"):
        refreshed(run, big, day, RefreshConfig(keep_days=2))
    assert [name[:10] for name in sorted(forecast_names(run))] == ["20240512T0", "20240513T0"]


def test_the_forecast_goes_to_standard_output(run: Path, big: Path) -> None:
    stdout = io.BytesIO()
    source = until(big, "2024-05-11", run.parent / "new.csv")
    refresh(run, source, RefreshConfig(output="-"), ignore_events, stdout=stdout)
    assert len(stdout.getvalue().splitlines()) == 1 + 2 * 7


@pytest.mark.parametrize("output", ["-", "forecast.xlsx"])
def test_an_output_that_cannot_be_written_is_refused_before_the_night(run: Path, output: str) -> None:
    with pytest.raises(UsageError):
        refresh(run, str(run.parent / "missing.csv"), RefreshConfig(output=output), ignore_events)


def test_a_ledger_that_cannot_be_written_prevents_neither_forecast_nor_verdict(
    run: Path, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **given: object) -> None:
        raise OutputError("cannot write ledger/x.actual: permission denied")

    refreshed(run, big, "2024-05-10")
    monkeypatch.setattr(night, "join_ledger", fail)
    output = run.parent / "forecast.csv"
    with pytest.raises(ArtifactError, match="the forecast was made") as failed:
        refreshed(run, big, "2024-05-12", RefreshConfig(output=str(output)))
    assert failed.value.exit_code == 4
    assert output.exists()
    assert failed.value.report.verdict == "not trained"
    assert len(history(run).versions[0]["verdicts"]) == 2
    shutil.rmtree(run / "ledger")
    (run / "ledger").write_text("a file in place of the folder\n")
    output.unlink()
    with pytest.raises(ArtifactError) as failed:
        refreshed(run, big, "2024-05-13", RefreshConfig(output=str(output)))
    assert output.exists()
    assert failed.value.report.forecast["rows"] == 14
    assert failed.value.report.forecast["recorded"] is None
    assert len(history(run).versions[0]["verdicts"]) == 3


def test_an_unwritable_ledger_keeps_the_verdict_line_and_the_json(
    run: Path, big: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "ledger").write_text("a file in place of the folder\n")
    source = until(big, "2024-05-13", run.parent / "new.csv")
    code = main(["refresh", str(run), source, "-o", str(run.parent / "forecast.csv"), "--json"])
    printed = capsys.readouterr()
    assert code == 4
    assert json.loads(printed.out)["verdict"] == "not trained"
    assert "model 1 stays, not trained" in printed.err
    assert "the forecast was made" in printed.err


def test_a_challenger_that_alone_fails_a_condition_is_a_warning_and_the_reason(
    run: Path, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(monkeypatch, better=True)
    report = refreshed(run, big, "2024-06-20", RefreshConfig(always=True, fail_if=("mase<0.95",)))
    assert report.verdict == "kept"
    assert "M407" in [finding["rule"] for finding in report.findings]
    assert "'mase<0.95' (mase is 0.9, the limit 0.95)" in report.text
    assert {gate["model"]: gate["failed"] for gate in report.gates} == {"champion": False, "challenger": True}


def test_a_higher_error_of_the_challenger_is_named_higher(
    run: Path, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(monkeypatch, better=False)
    report = refreshed(run, big, "2024-06-20", RefreshConfig(always=True))
    assert "10 % higher (5.0 to 15 %)" in report.text
