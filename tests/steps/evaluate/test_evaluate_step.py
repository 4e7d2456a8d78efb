import dataclasses
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss
from small_steps import LINEAR, PREPARE, write_panel

from lstm_cli.config import EvaluateConfig, PredictConfig, QuantizeConfig
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.errors import GateFailed, MissingArtifact, StaleArtifact, UsageError
from lstm_cli.events import Event, WarningRaised, ignore_events
from lstm_cli.inference.session import open_session
from lstm_cli.inference.trained_model import load_intervals, load_model, rescale_to_model
from lstm_cli.rundir import manifest, open_run
from lstm_cli.steps.dry_run import plan_evaluate
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.predict import predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.quantize import quantize
from lstm_cli.steps.train import train
from lstm_cli.steps.verify import verify

FP32 = EvaluateConfig(precision="fp32")


def test_the_scores_are_those_of_every_window_worked_by_hand(run: Path, panel: Path) -> None:
    report = evaluate(run, FP32, ignore_events)
    opened = open_run(run)
    dataset = rescale_to_model(load_dataset(opened), load_model(opened))
    lookback = opened.artifact("model").json("model.json")["settings"]["lookback"]
    batch = split_windows(dataset, "test", lookback)[:]
    assert report.windows == len(batch.series) == 2 * (26 - 7 + 1)
    session = open_session(opened.artifact("model").bytes("model.onnx"), threads=1)
    forecast = dataset.inverse_transform_targets(session(batch.past, batch.future, batch.mask), batch.series)
    rows = [line.split(",") for line in panel.read_text().splitlines()[1:]]
    absolute, mases, scaled = [], [], []
    for item, shop in enumerate("AB"):
        sales = np.array([float(row[2]) for row in rows if row[1] == shop and row[2]])
        training = sales[:91]
        own = forecast[batch.series == item][:, :, 0]
        truth = np.stack([sales[104 + start : 104 + start + 7] for start in range(20)])
        error = np.abs(np.maximum(own, 0) - truth)
        absolute.append(error)
        mases.append(error.mean() / np.abs(training[7:] - training[:-7]).mean())
        scaled.append(error / training.std())
    assert report.metrics["mae"] == pytest.approx(np.mean(absolute), rel=1e-5)
    assert report.metrics["rmse"] == pytest.approx(np.sqrt(np.mean(np.square(absolute))), rel=1e-5)
    assert report.metrics["mase"] == pytest.approx(np.mean(mases), rel=1e-5)
    assert report.metrics["mae_scaled"] == pytest.approx(np.mean(scaled), rel=1e-5)
    assert report.metrics["mse_scaled"] == pytest.approx(np.mean(np.square(scaled)), rel=1e-5)
    assert report.per_step[2]["mae"] == pytest.approx(np.mean([error[:, 2] for error in absolute]), rel=1e-5)
    assert report.per_series["B"]["mae"] == pytest.approx(np.mean(absolute[1]), rel=1e-5)


def test_the_baselines_are_scored_on_the_same_windows(run: Path, panel: Path) -> None:
    report = evaluate(run, EvaluateConfig(), ignore_events)
    rows = [line.split(",") for line in panel.read_text().splitlines()[1:]]
    naive, seasonal = [], []
    for shop in "AB":
        sales = np.array([float(row[2]) for row in rows if row[1] == shop and row[2]])
        for origin in range(104, 124):
            truth = sales[origin : origin + 7]
            naive.append(np.abs(sales[origin - 1] - truth))
            seasonal.append(np.abs(sales[origin - 7 : origin] - truth))
    assert set(report.baselines) == {"naive", "seasonal_naive", "linear"}
    assert report.baselines["naive"]["mae"] == pytest.approx(np.mean(naive), rel=1e-5)
    assert report.baselines["seasonal_naive"]["mae"] == pytest.approx(np.mean(seasonal), rel=1e-5)


def test_the_worst_series_are_compared_with_seasonal_naive(run: Path) -> None:
    report = evaluate(run, EvaluateConfig(), ignore_events)
    assert {row["series"] for row in report.worst} == {"A", "B"}
    assert report.worst[0]["ratio"] >= report.worst[1]["ratio"]
    dataset = load_dataset(open_run(run))
    folder = next((run / "scores").iterdir())
    lines = [line.split(",") for line in (folder / "per_series.csv").read_text().splitlines()]
    table = {line[0]: dict(zip(lines[0], line, strict=True)) for line in lines[1:]}
    for row in report.worst:
        item = dataset.series.names.index(row["series"])
        begin = dataset.series.offset[item]
        sales = dataset.inverse_transform_targets(
            dataset.values_scaled[begin : begin + 130, None, :1], np.full(130, item)
        )
        sales = sales[:, 0, 0]
        error = np.mean([np.abs(sales[at - 7 : at] - sales[at : at + 7]).mean() for at in range(104, 124)])
        training = np.abs(sales[7:91] - sales[:84]).mean()
        assert row["baseline"] == "seasonal_naive"
        assert row["baseline_mase"] == pytest.approx(error / training, rel=1e-4)
        assert row["mase"] == report.per_series[row["series"]]["mase"]
        assert row["ratio"] == pytest.approx(row["mase"] / row["baseline_mase"])
        assert float(table[row["series"]]["ratio"]) == pytest.approx(row["ratio"])
        assert float(table[row["series"]]["mae"]) == pytest.approx(row["mae"])


def test_the_report_is_plain_json_and_kept_verbatim(run: Path) -> None:
    report = evaluate(run, EvaluateConfig(split="val"), ignore_events).to_json()
    json.dumps(report, allow_nan=False)
    assert open_run(run).report("evaluate") == report
    assert Path(report["picture"]).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_gate_that_comes_true_fails_with_the_report_written(run: Path) -> None:
    conditions = ("mase>=1000", "mae>0.0001*seasonal_naive.mae")
    with pytest.raises(GateFailed, match=r"0\.0001\*seasonal_naive") as failed:
        evaluate(run, EvaluateConfig(fail_if=conditions), ignore_events)
    kept = open_run(run).report("evaluate")
    assert [gate["failed"] for gate in kept["gates"]] == [False, True]
    assert failed.value.report.to_json() == kept
    assert failed.value.exit_code == 5


@pytest.mark.parametrize(
    "condition",
    ["mape>1", "mase", "mase>naive", "mase>=seasonal.mae", "mae>naive.mape", "wql>naive.coverage"],
)
def test_an_unknown_condition_answers_at_once(tmp_path: Path, condition: str) -> None:
    with pytest.raises(UsageError, match="--fail-if"):
        evaluate(tmp_path / "absent", EvaluateConfig(fail_if=(condition,)), ignore_events)


def test_the_intervals_are_scored_on_every_window_worked_by_hand(run: Path) -> None:
    report = evaluate(run, FP32, ignore_events)
    opened = open_run(run)
    model, intervals = load_model(opened), load_intervals(opened)
    dataset = rescale_to_model(load_dataset(opened), model)
    assert intervals is not None
    batch = split_windows(dataset, "test", model.lookback)[:]
    session = open_session(opened.artifact("model").bytes("model.onnx"), threads=1)
    forecast = session(batch.past, batch.future, batch.mask)
    quantiles = [
        np.maximum(dataset.inverse_transform_targets(each, batch.series), 0)
        for each in intervals.quantiles(np.arange(1, 10) / 10, forecast, batch)
    ]
    low, high = quantiles[0], quantiles[-1]
    truth = dataset.inverse_transform_targets(batch.target, batch.series)
    inside = (low <= truth) & (truth <= high)
    assert report.coverage["80"] == pytest.approx(100 * inside.mean())
    assert report.width["80"] == pytest.approx(np.mean(high - low))
    deviation = dataset.training.deviation[batch.series][:, None]
    assert report.width_scaled["80"] == pytest.approx(np.mean((high - low) / deviation))
    assert report.per_step[2]["coverage"]["80"] == pytest.approx(100 * inside[:, 2].mean())
    assert 0 < report.coverage["80"] < report.coverage["95"] <= 100
    assert report.width["80"] < report.width["95"]
    assert report.wql == pytest.approx(mean_wql(truth, quantiles, batch.series))
    assert report.per_series["B"]["wql"] == pytest.approx(
        mean_wql(truth[batch.series == 1], [each[batch.series == 1] for each in quantiles], np.zeros(20))
    )
    assert 0 < report.wis < report.metrics["mae"]
    assert report.wis_scaled == pytest.approx(
        np.mean([report.per_series[shop]["wis_scaled"] for shop in "AB"])
    )


def mean_wql(truth: np.ndarray, quantiles: Sequence[np.ndarray], series: np.ndarray) -> float:
    """Return twice the pinball loss of .1 to .9 over the sum of the truth, averaged over series."""
    losses = []
    for item in np.unique(series):
        own = series == item
        pinball = [
            mean_pinball_loss(truth[own].ravel(), each[own].ravel(), alpha=(index + 1) / 10)
            for index, each in enumerate(quantiles)
        ]
        losses.append(2 * np.mean(pinball) / truth[own].mean())
    return float(np.mean(losses))


def test_the_quantiles_of_seasonal_naive_worked_by_hand(run: Path, panel: Path) -> None:
    """Its errors on training and validation windows have quantiles, which are added to the log of its forecast."""
    report = evaluate(run, EvaluateConfig(), ignore_events)
    rows = [line.split(",") for line in panel.read_text().splitlines()[1:]]
    probabilities = (0.025, *np.arange(1, 10) / 10, 0.975)
    truth, quantiles = [], []
    for shop in "AB":
        sales = np.array([float(row[2]) for row in rows if row[1] == shop and row[2]])
        origins = np.append(np.arange(7, 91 - 7 + 1), np.arange(91, 104 - 7 + 1))
        for step in range(7):
            errors = np.log(sales[origins + step] / sales[origins + step - 7])
            factor = np.exp(np.quantile(errors, probabilities, method="weibull"))
            scored = np.arange(104, 124) + step
            truth.append(sales[scored])
            quantiles.append(sales[scored - 7] * factor[:, None])
    expected = dict(
        zip(probabilities, np.array(quantiles).reshape(2, 7, 11, 20).transpose(2, 0, 1, 3), strict=True)
    )
    all_truth = np.array(truth).reshape(2, 7, 20)
    found = report.baselines["seasonal_naive"]
    lines = [expected[probability] for probability in probabilities[1:-1]]
    assert found["wql"] == pytest.approx(mean_wql(all_truth, lines, np.arange(2)), rel=1e-4)
    inside = (expected[0.1] <= all_truth) & (all_truth <= expected[0.9])
    assert found["coverage"]["80"] == pytest.approx(100 * inside.mean(), abs=0.4)  # one of 280 on an end
    assert found["width"]["95"] == pytest.approx(np.mean(expected[0.975] - expected[0.025]), rel=1e-4)
    five = [
        mean_pinball_loss(all_truth.ravel(), expected[each].ravel(), alpha=each)
        for each in (0.025, 0.1, 0.5, 0.9, 0.975)
    ]
    assert found["wis"] == pytest.approx(2 * np.mean(five), rel=1e-4)
    step = report.per_step[2]["baselines"]["seasonal_naive"]
    assert step["wql"] == pytest.approx(
        mean_wql(all_truth[:, 2], [line[:, 2] for line in lines], np.arange(2)), rel=1e-4
    )
    lines_of_file = (Path(report.picture).parent / "per_series.csv").read_text().splitlines()
    of_b = dict(zip(lines_of_file[0].split(","), lines_of_file[2].split(","), strict=True))
    assert of_b["series"] == "B"
    assert float(of_b["seasonal_naive_wql"]) == pytest.approx(
        mean_wql(all_truth[1:], [line[1:] for line in lines], np.zeros(1)), rel=1e-4
    )
    assert float(of_b["wql"]) == pytest.approx(report.per_series["B"]["wql"])


@pytest.mark.parametrize("name", ["wql", "wis", "wis_scaled"])
def test_a_gate_compares_losses_with_those_of_a_baseline(run: Path, name: str) -> None:
    conditions = (f"{name}>1000*seasonal_naive.{name}", f"{name}>0.0001*linear.{name}")
    with pytest.raises(GateFailed, match=rf"0\.0001\*linear\.{name}") as failed:
        evaluate(run, EvaluateConfig(fail_if=conditions), ignore_events)
    report = failed.value.report
    assert [gate["failed"] for gate in report.gates] == [False, True]
    assert report.gates[1]["limit"] == pytest.approx(0.0001 * report.baselines["linear"][name])
    assert report.gates[0]["value"] == getattr(report, name)


def test_interval_scores_are_in_the_tables_and_gates(run: Path) -> None:
    conditions = ("coverage.80>=0", "coverage.95<1", "wql>1000")
    with pytest.raises(GateFailed, match=r"coverage\.80>=0") as failed:
        evaluate(run, EvaluateConfig(fail_if=conditions), ignore_events)
    report = failed.value.report
    assert [gate["failed"] for gate in report.gates] == [True, False, False]
    lines = (Path(report.picture).parent / "per_step.csv").read_text().splitlines()
    row = dict(zip(lines[0].split(","), lines[3].split(","), strict=True))
    assert float(row["coverage_80"]) == pytest.approx(report.per_step[2]["coverage"]["80"])
    assert float(row["width_scaled_95"]) == pytest.approx(report.per_step[2]["width_scaled"]["95"])
    for name in ("wql", "wis", "wis_scaled"):
        assert float(row[name]) == pytest.approx(report.per_step[2][name])
    baseline = report.per_step[2]["baselines"]["linear"]
    assert float(row["linear_coverage_95"]) == pytest.approx(baseline["coverage"]["95"])
    assert float(row["linear_wis_scaled"]) == pytest.approx(baseline["wis_scaled"])
    kept = json.loads((Path(report.picture).parent / "scores.json").read_text())
    assert kept["coverage"] == report.coverage


def test_a_model_without_intervals_is_scored_and_its_coverage_fails_a_gate(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lstm_cli.steps.evaluate.score_model.load_intervals", lambda run: None)
    report = evaluate(run, EvaluateConfig(), ignore_events)
    assert (report.coverage, report.width, report.wql, report.wis) == ({}, {}, None, None)
    assert "coverage" not in report.per_step[0]
    assert report.baselines["linear"]["wql"] > 0
    for condition in ("coverage.80<75", "wql>1", "wis_scaled>naive.wis_scaled"):
        with pytest.raises(GateFailed, match="is undefined"):
            evaluate(run, EvaluateConfig(fail_if=(condition,)), ignore_events)


def test_a_model_of_another_version_is_refused_with_the_command_that_renews_it(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lstm_cli.inference.trained_model.MODEL_VERSION", 99)
    with pytest.raises(StaleArtifact, match="made by another version of lstm") as caught:
        evaluate(run, EvaluateConfig(), ignore_events)
    assert "lstm train" in str(caught.value.hint)


def test_a_stale_model_is_refused_with_the_command_that_renews_it(run: Path, tmp_path: Path) -> None:
    prepare(str(write_panel(tmp_path / "new.csv", seed=1)), run, PREPARE, ignore_events)
    with pytest.raises(StaleArtifact) as stale:
        evaluate(run, EvaluateConfig(), ignore_events)
    assert "lstm train" in stale.value.hint


def test_the_quantised_model_is_scored_where_asked(run: Path) -> None:
    exact = evaluate(run, FP32, ignore_events)
    assert exact.precision == "fp32"
    small = evaluate(run, EvaluateConfig(precision="int8"), ignore_events)
    assert small.precision == "int8"
    assert small.metrics["mae"] != exact.metrics["mae"]
    assert small.metrics["mae"] == pytest.approx(exact.metrics["mae"], rel=0.1)
    with pytest.raises(MissingArtifact, match="no fp16 model"):
        evaluate(run, EvaluateConfig(precision="fp16"), ignore_events)
    assert open_run(run).report("train")["refitted"]
    with pytest.raises(UsageError, match="made from the refitted model, which saw the validation rows"):
        evaluate(run, EvaluateConfig(precision="int8", split="val"), ignore_events)


def test_scored_is_by_default_what_predict_runs(run: Path) -> None:
    report = evaluate(run, EvaluateConfig(), ignore_events)
    output = io.BytesIO()
    served = predict(run, None, PredictConfig(), ignore_events, stdout=output)
    assert report.precision == served.precision == "int8"
    assert report.metrics == evaluate(run, EvaluateConfig(precision="int8"), ignore_events).metrics
    assert not any("fp32" in text for text in report.warnings)
    plan = plan_evaluate(run, EvaluateConfig(), force=False)
    assert [Path(read["path"]).parent.name for read in plan.reads] == ["data", "model", "quantized"]


def test_validation_scores_of_a_refitted_model_warn_that_predict_runs_another(run: Path) -> None:
    report = evaluate(run, EvaluateConfig(split="val"), ignore_events)
    assert report.precision == "fp32"
    assert any("The quantized model that predict runs" in text for text in report.warnings)
    assert not verify(run, ignore_events).stale
    quantize(run, QuantizeConfig(to="fp16", max_loss=1.0), ignore_events)
    assert not verify(run, ignore_events).stale  # the scores are of the model before the refit
    assert evaluate(run, EvaluateConfig(split="val"), ignore_events).up_to_date
    plan = plan_evaluate(run, EvaluateConfig(split="val"), force=False)
    assert [Path(read["path"]).parent.name for read in plan.reads] == ["data", "model"]


@pytest.mark.parametrize("precision", ["auto", "fp32"])
def test_quantize_puts_scores_out_of_date_that_follow_predict(run: Path, precision: str) -> None:
    """Scores become out of date for `evaluate`, `verify` and `--dry-run`, except with a named precision."""
    remove_quantized(run)
    config = EvaluateConfig(precision=precision)
    assert evaluate(run, config, ignore_events).precision == "fp32"
    assert evaluate(run, config, ignore_events).up_to_date
    assert not verify(run, ignore_events).stale
    quantize(run, QuantizeConfig(max_loss=1.0), ignore_events)
    follows = precision == "auto"
    report = verify(run, ignore_events)
    assert report.stale == (("scores",) if follows else ())
    assert report.rebuild == ((f"lstm evaluate {run}",) if follows else ())
    assert plan_evaluate(run, config, force=False).up_to_date is not follows
    after = evaluate(run, config, ignore_events)
    assert (after.precision, after.up_to_date) == (("int8", None) if follows else ("fp32", True))
    assert not verify(run, ignore_events).stale
    quantize(run, QuantizeConfig(to="fp16", max_loss=1.0), ignore_events)
    assert verify(run, ignore_events).stale == (("scores",) if follows else ())


def test_a_quantised_model_of_an_earlier_model_is_not_served_and_makes_no_scores_out_of_date(
    run: Path,
) -> None:
    train(run, LINEAR, ignore_events)  # the int8 model is that of the model before
    report = evaluate(run, EvaluateConfig(), ignore_events)
    assert report.precision == "fp32"
    assert verify(run, ignore_events).stale == ("quantized",)
    assert evaluate(run, EvaluateConfig(), ignore_events).up_to_date
    quantize(run, QuantizeConfig(max_loss=1.0), ignore_events)
    assert verify(run, ignore_events).stale == ("scores",)
    assert evaluate(run, EvaluateConfig(), ignore_events).precision == "int8"


def test_a_backtest_reports_the_precision(run: Path) -> None:
    train(run, LINEAR, ignore_events)
    quantize(run, QuantizeConfig(max_loss=1.0), ignore_events)
    repeated = evaluate(run, EvaluateConfig(backtest=2, threads=1), ignore_events)
    assert repeated.precision == "int8"
    assert repeated.backtest is not None
    assert repeated.backtest["precision"] == "fp32"
    assert any("the backtest trains fp32 models" in text for text in repeated.warnings)
    reused = evaluate(run, EvaluateConfig(backtest=2, reuse=True, threads=1), ignore_events)
    assert reused.backtest is not None
    assert reused.backtest["precision"] == "int8"
    assert not any("backtest" in text for text in reused.warnings)


def remove_quantized(run: Path) -> None:
    """Remove the quantized model from the run."""
    steps = manifest.decode_manifest((run / "run.json").read_bytes(), run)
    del steps["quantize"]
    (run / "run.json").write_bytes(manifest.encode_manifest(steps, run))


def test_validation_rows_are_scored_by_the_graph_before_the_refit(run: Path) -> None:
    """Scores equal those in the report of `train`, because the shipped graph was fitted on these rows."""
    trained = open_run(run).report("train")
    report = evaluate(run, EvaluateConfig(split="val"), ignore_events)
    for metric in ("mase", "mae_scaled"):
        assert report.metrics[metric] == pytest.approx(trained["val"][metric], rel=1e-6)
        for part, scores in report.parts.items():
            assert scores[metric] == pytest.approx(trained["parts"][part][metric], rel=1e-6)
        for name, scores in report.baselines.items():
            assert scores[metric] == pytest.approx(trained["val_baselines"][name][metric], rel=1e-6)
    opened = open_run(run)
    model = load_model(opened)
    dataset = rescale_to_model(load_dataset(opened), model)
    batch = split_windows(dataset, "val", model.lookback)[:]
    graphs = (opened.artifact("model").bytes(name) for name in ("model.onnx", "validated.onnx"))
    after, before = (open_session(graph, threads=1)(batch.past, batch.future, batch.mask) for graph in graphs)
    assert np.abs(after - before).max() > 0.01  # so that it does matter which


def test_the_combined_models_are_scored_too(run: Path) -> None:
    report = evaluate(run, EvaluateConfig(), ignore_events)
    assert set(report.parts) == set(open_run(run).report("train")["weights"])
    linear, baseline = report.parts["linear"], report.baselines["linear"]
    assert linear == pytest.approx({name: baseline[name] for name in linear}, rel=1e-4)
    assert len({round(scores["mae"], 6) for scores in [report.metrics, *report.parts.values()]}) > 2
    written = json.loads((Path(report.picture).parent / "scores.json").read_text())
    assert written["parts"] == report.parts


@pytest.mark.parametrize(("refit", "files"), [(True, {"validated.onnx"}), (False, set())])
def test_without_a_refit_there_is_one_graph(run: Path, refit: bool, files: set[str]) -> None:
    trained = train(run, dataclasses.replace(LINEAR, refit=refit), ignore_events)
    assert trained.refitted is refit
    assert {name for name in open_run(run).artifact("model").files if name == "validated.onnx"} == files
    report = evaluate(run, EvaluateConfig(split="val"), ignore_events)
    assert report.metrics["mase"] == pytest.approx(trained.val["mase"], rel=1e-6)
    assert set(report.parts) == {"linear"}
    assert not report.warnings  # the model has no networks


def test_networks_without_benefit_are_reported(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lstm_cli.evaluation import scoring

    warning = "the networks add nothing on the test rows: the linear forecast is as good"
    for good in (True, False):
        monkeypatch.setattr(scoring, "is_as_good", lambda simple, model, good=good: good)
        events: list[Event] = []
        report = evaluate(run, EvaluateConfig(), events.append, force=True)
        assert (warning in report.warnings) is good
        assert (
            "M201" in [event.finding.rule for event in events if isinstance(event, WarningRaised)]
        ) is good
