"""Tests of docs/reference/json.md against the reports of the steps, in both directions."""

import shutil
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from json_reference import Comparison, tables
from small_documents import reviews
from small_ledger import broken_rows, record
from small_sequences import gestures
from small_steps import LINEAR, PREPARE, TRAIN
from small_text import story
from small_text_run import make_text_run

from lstm_cli.cli.verbs import VERBS
from lstm_cli.config import (
    EvaluateConfig,
    ExportConfig,
    PredictConfig,
    PrepareConfig,
    QuantizeConfig,
    RefreshConfig,
    ReportConfig,
    ScoreConfig,
    TrainConfig,
    TuneConfig,
)
from lstm_cli.config.predict import TextSampling
from lstm_cli.config.tasks import PrepareOfTasks
from lstm_cli.errors import DataError
from lstm_cli.events import ignore_events
from lstm_cli.monitoring import sequential_test
from lstm_cli.rundir import LEDGER, open_run, writing
from lstm_cli.serving.report import ServeReport
from lstm_cli.steps.check import check
from lstm_cli.steps.check.report import CheckReport
from lstm_cli.steps.check.sequences import CheckSequencesReport
from lstm_cli.steps.dry_run import DryRunPlan, plan_evaluate
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.evaluate.report import EvaluateReport
from lstm_cli.steps.evaluate.sequences import EvaluateClassifierReport
from lstm_cli.steps.evaluate.text import EvaluateTextReport
from lstm_cli.steps.export import export
from lstm_cli.steps.export.content import ExportReport
from lstm_cli.steps.history import HistoryReport, drop_version, history, roll_back
from lstm_cli.steps.predict import PredictReport, predict
from lstm_cli.steps.predict.sequences import PredictSequencesReport
from lstm_cli.steps.predict.text import PredictTextReport
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.prepare.report import PrepareReport
from lstm_cli.steps.prepare.sequences import PrepareSequencesReport
from lstm_cli.steps.prepare.text import PrepareTextReport
from lstm_cli.steps.quantize import quantize
from lstm_cli.steps.quantize.sequences import QuantizeClassifierReport
from lstm_cli.steps.quantize.text import QuantizeTextReport
from lstm_cli.steps.quantize.windows import QuantizeReport
from lstm_cli.steps.refresh import refresh
from lstm_cli.steps.refresh.report import RefreshReport
from lstm_cli.steps.report import report
from lstm_cli.steps.report.page_report import ClassPageReport, PageReport
from lstm_cli.steps.runs.clean import CleanFolder, CleanReport, clean
from lstm_cli.steps.runs.compare import DiffReport, compare
from lstm_cli.steps.runs.facts import ClassScoreFacts, TextScoreFacts
from lstm_cli.steps.runs.overview import RunsReport, overview
from lstm_cli.steps.score import score
from lstm_cli.steps.score.report import ScoreReport
from lstm_cli.steps.show_config import ConfigReport, config
from lstm_cli.steps.train import train
from lstm_cli.steps.train.find_lr import FindLrReport, find_lr
from lstm_cli.steps.train.fit_and_commit import TrainReport
from lstm_cli.steps.train.sequences import TrainClassifierReport
from lstm_cli.steps.train.text import TrainTextReport
from lstm_cli.steps.tune.record import TuneReport, make_report, winning_settings
from lstm_cli.steps.tune.spec import make_search_spec
from lstm_cli.steps.verify import VerifyReport, verify
from lstm_cli.training.diagnosis import TrainingIssue

REPORTS: dict[str, Any] = {
    "check": CheckReport,
    "prepare": PrepareReport,
    "train": TrainReport,
    "train --find-lr": FindLrReport,
    "tune": TuneReport,
    "evaluate": EvaluateReport,
    "quantize": QuantizeReport,
    "predict": PredictReport,
    "score": ScoreReport,
    "refresh": RefreshReport,
    "export": ExportReport,
    "report": PageReport,
    "runs": RunsReport,
    "runs --diff": DiffReport,
    "runs --clean": CleanReport,
    "verify": VerifyReport,
    "serve": ServeReport,
    "history": HistoryReport,
    "config": ConfigReport,
    "dry-run": DryRunPlan,
    "check: labelled sequences": CheckSequencesReport,
    "prepare: labelled sequences": PrepareSequencesReport,
    "train: labelled sequences": TrainClassifierReport,
    "evaluate: labelled sequences": EvaluateClassifierReport,
    "quantize: labelled sequences": QuantizeClassifierReport,
    "predict: labelled sequences": PredictSequencesReport,
    "report: labelled sequences": ClassPageReport,
    "prepare: text": PrepareTextReport,
    "train: text": TrainTextReport,
    "evaluate: text": EvaluateTextReport,
    "quantize: text": QuantizeTextReport,
    "predict: text": PredictTextReport,
}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def run(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the trained run. The tests of this file add to it."""
    return Path(shutil.copytree(trained, tmp_path_factory.mktemp("reports") / "run"))


@pytest.fixture(scope="module")
def scored(run: Path) -> Json:
    """Return the report of an evaluation with all optional parts."""
    everything = EvaluateConfig(
        threads=1,
        backtest=1,
        fail_if=("mae>1e9",),
        output=str(run.parent / "scores"),
        forecasts=str(run.parent / "forecasts.csv"),
        plot="-",
    )
    return evaluate(run, everything, ignore_events).to_json()


def of_prepare(run: Path, panel: Path, _: Json) -> list[Json]:
    ways = (PREPARE, replace(PREPARE, outliers="drop"))
    return [prepare(str(panel), run, way, ignore_events).to_json() for way in ways]


def of_train(run: Path, _: Path, scored: Json) -> list[Json]:
    """Return the report of `train`, with parts that the small panel lacks: a comparison, a finding and a start."""
    report = train(run, TRAIN, ignore_events).to_json()
    finding = asdict(
        TrainingIssue(part="free", name="over-fitting", sign="losses part", advice="--dropout 0.3")
    )
    compared = {name: scored[name] for name in ("comparison", "comparisons")}
    parts = [{"part": "anchored", "taken": ["embed"], "left": {"gate": "other seasons"}}]
    start = {"run": "runs/a", "own": False, "version": 3, "digest": "0" * 64, "weights": "shipped"}
    warm = {"warm_start": start | {"parts": parts, "other_scaling": False}}
    return [report, report | compared | warm | {"diagnosis": [finding]}]


def of_find_lr(run: Path, *_: Any) -> list[Json]:
    picture = str(run.parent / "rates.png")
    return [find_lr(run, replace(TRAIN, parts=("free",)), picture, ignore_events).to_json()]


def of_tune(run: Path, _: Path, scored: Json) -> list[Json]:
    """Return reports of a search of two trials, before and after its winner is trained."""
    search = make_search_spec(str(run), TuneConfig(method="grid", space=("dropout=0|0.1",)), LINEAR)
    common = {"metric": "mase", "metrics": scored["metrics"], "seconds": 1.0, "history": [], "seed": 0}
    done = common | {"number": 1, "state": "done", "score": 0.5, "settings": {"dropout": 0.0}, "reason": None}
    failed = common | {
        "number": 2,
        "state": "failed",
        "score": None,
        "settings": {"dropout": 0.1},
        "reason": "loss",
    }
    trials: Any = [done, failed]
    trained = train(run, TRAIN, ignore_events).to_json() | {"comparison": scored["comparison"]}
    trained |= {"comparisons": scored["comparisons"]}
    whole = make_report(
        search, trials, winner=winning_settings(search, trials), trained=trained, picture="importance.png"
    )
    return [
        make_report(search, [], winner=None).to_json(),
        whole.to_json(),
        replace(whole, up_to_date=True, task="classify").to_json(),
    ]


def of_evaluate(run: Path, _: Path, scored: Json) -> list[Json]:
    repeated = evaluate(run, EvaluateConfig(threads=1, backtest=1), ignore_events)
    reused = evaluate(run, EvaluateConfig(threads=1, backtest=1, reuse=True), ignore_events)
    return [scored, repeated.to_json(), reused.to_json()]


def of_quantize(run: Path, *_: Any) -> list[Json]:
    return [quantize(run, QuantizeConfig(max_loss=1.0), ignore_events).to_json()]


def of_predict(run: Path, *_: Any) -> list[Json]:
    output = str(run.parent / "forecast.csv")
    return [
        predict(run, None, PredictConfig(output=output, **options), ignore_events).to_json()
        for options in ({"quantiles": (0.1,), "plot": "-", "record": True}, {"samples": 2})
    ]


def of_score(run: Path, panel: Path, _: Json) -> list[Json]:
    """Return the report of a model with an alarm, next to an older model."""
    copy = Path(shutil.copytree(run, run.parent / "score" / "run"))
    shutil.rmtree(copy / LEDGER, ignore_errors=True)
    record(copy, panel, "2024-04-20")
    train(copy, replace(LINEAR, seed=3), ignore_events)
    evaluate(copy, EvaluateConfig(threads=1), ignore_events)
    record(copy, panel, *(f"2024-04-{day}" for day in range(21, 28)))
    source = broken_rows(panel, "2024-04-21", copy.parent / "broken.csv")
    with patch.object(sequential_test, "MIN_NIGHTS", 2):
        return [score(copy, source, ScoreConfig(fail_if=("mae<0",)), ignore_events).to_json()]


def of_refresh(run: Path, panel: Path, _: Json) -> list[Json]:
    """Return the reports of a night with a comparison, and of one with what came true."""
    copy = Path(shutil.copytree(run, run.parent / "refresh" / "run"))
    shutil.rmtree(copy / LEDGER, ignore_errors=True)
    train(copy, LINEAR, ignore_events)
    record(copy, panel, "2024-04-30")
    config = RefreshConfig(always=True, margin=9.0, output=str(copy.parent / "f.csv"), fail_if=("mase>99",))
    return [refresh(copy, str(panel), each, ignore_events).to_json() for each in (config, RefreshConfig())]


def of_export(run: Path, *_: Any) -> list[Json]:
    return [export(run, ExportConfig(), ignore_events).to_json()]


def of_report(run: Path, *_: Any) -> list[Json]:
    evaluate(run, EvaluateConfig(threads=1), ignore_events)
    return [report(run, ReportConfig(output=str(run.parent / "page.html")), ignore_events).to_json()]


TEXT = {"bpc": 2.0, "bpb": 2.0, "perplexity": 4.0, "loss": 1.4}
CLASS = {"accuracy": 0.9, "macro_f1": 0.9, "log_loss": 0.3, "calibration_error": 0.1}


def of_runs(run: Path, *_: Any) -> list[Json]:
    """Return the report of the run, and one with parts that it lacks: a checkpoint and a folder that is not read."""
    report = overview(run)
    training = {"model": "segment", "parts": ("free: epoch 7 of 11",)}
    rare = replace(report.runs[0], training=training, stale={"scores": ("model",)})
    scores = ClassScoreFacts(split="test", sequences=9, metrics=CLASS, baselines={"simple": CLASS})
    texts = TextScoreFacts(split="test", characters=9, metrics=TEXT, baselines={"xz": TEXT})
    rare = replace(rare, class_scores=scores, text_scores=texts)
    skipped = ({"path": "runs/closed", "reason": "permission denied"},)
    return [report.to_json(), replace(report, runs=(rare,), skipped=skipped).to_json()]


def of_runs_diff(run: Path, *_: Any) -> list[Json]:
    """Return the report of the run and a copy, and one with each kind of difference."""
    other = run.parent / "copy"
    shutil.copytree(run, other, dirs_exist_ok=True)
    report = compare(run.parent, "run", "copy")
    values: Json = {"a": 1, "b": 2}
    rows = {
        "settings": ({"step": "train", "setting": "lr", **values},),
        "data": ({"fact": "rows", **values},),
        "versions": ({"step": "train", "name": "torch", **values},),
    }
    return [report.to_json(), replace(report, **rows).to_json()]


def of_runs_clean(run: Path, *_: Any) -> list[Json]:
    report = clean(run, delete=False)
    folder = CleanFolder(
        run="run", folder="model/0009", files=1, size=9, others=("notes",), in_use=True, removed=False
    )
    problem = ({"path": "runs/load", "reason": "locked"},)
    return [replace(report, folders=(folder,), locked=problem, skipped=problem).to_json()]


def of_verify(run: Path, *_: Any) -> list[Json]:
    return [verify(run, ignore_events).to_json()]


def of_serve(*_: Any) -> list[Json]:
    common: Json = {
        "run": "run",
        "url": "http://127.0.0.1:8000",
        "version": "1",
        "requests": 1,
        "unfinished": 0,
    }
    reloads = {"reloaded": 1, "unchanged": 0, "failed": 0}
    return [
        ServeReport(**common, statuses={"200": 1}, reloads=reloads, signal=signum).to_json()
        for signum in (15, None)
    ]


SINCE = {"mase": 0.9, "mae_scaled": 0.4, "bias_scaled": -0.1}


def of_history(run: Path, *_: Any) -> list[Json]:
    """Return the lists before and after a rollback, without the model that the other tests read."""
    run = Path(shutil.copytree(run, run.parent / "versions"))
    shutil.rmtree(run / "exports", ignore_errors=True)
    evaluate(run, EvaluateConfig(threads=1), ignore_events)
    train(run, LINEAR, ignore_events)
    train(run, TRAIN, ignore_events)
    digest = str(open_run(run).digest("model"))
    since = {
        "forecasts": 3,
        "values": 21,
        "time_end": "2024-05-20",
        **SINCE,
        "wql": 0.1,
        "coverage": {"80": 81.0},
    }
    verdict = {"at": "2026-11-29T02:00:17Z", "verdict": "kept", "text": "model 2 stays", "time_end": None}
    with writing(run, step="train") as writer:
        writer.add_verdict(verdict, since={digest: since | {"baseline": SINCE}})
        writer.add_verdict(verdict | {"time_end": "2024-04-20T00:00:00"})
    reports = [
        history(run),
        roll_back(run, int(history(run).versions[0]["version"])),
        drop_version(run, int(history(run).versions[1]["version"])),
    ]
    return [report.to_json() for report in reports]


def of_config(run: Path, *_: Any) -> list[Json]:
    return [config(run).to_json()]


def of_dry_run(run: Path, *_: Any) -> list[Json]:
    return [plan_evaluate(run, EvaluateConfig(), force=True).to_json()]


def of_check(run: Path, *_: Any) -> list[Json]:
    """Return reports of a file with gaps, duplicate rows and an outlier, which some settings refuse."""
    path = run.parent / "meter.csv"
    hours = [hour for hour in range(480) if not 100 <= hour < 104]
    rows = [f"2024-01-{1 + hour // 24:02} {hour % 24:02}:00,{50 + 10 * ((hour % 24) > 11)}" for hour in hours]
    rows[200] = rows[200].partition(",")[0] + ",5000"
    path.write_text("\n".join(["time,load", *rows, rows[-1]]) + "\n")
    result = [check(str(path), PrepareConfig(horizon=12), ignore_events).to_json()]
    with pytest.raises(DataError) as refused:
        check(str(path), PrepareConfig(horizon=12, lookback=9999), ignore_events)
    report = refused.value.report
    assert isinstance(report, CheckReport)
    return [*result, report.to_json()]


def of_check_sequences(run: Path, *_: Any) -> list[Json]:
    """Return reports of sequences, and of those that `prepare` refuses."""
    file = gestures(run.parent / "moves.csv")
    columns = PrepareOfTasks(sequence="id", label="move", value=("x",), max_length=9)
    picture = str(run.parent / "moves.png")
    whole = check(str(file), PrepareConfig(), ignore_events, columns=columns, plot=picture)
    with pytest.raises(DataError) as refused:
        check(
            str(file), PrepareConfig(), ignore_events, columns=PrepareOfTasks(sequence="step", label="move")
        )
    report: Any = refused.value.report
    documents = check(
        str(reviews(run.parent / "reviews.csv")),
        PrepareConfig(),
        ignore_events,
        columns=PrepareOfTasks(text="review", label="mood"),
    )
    return [whole.to_json(), documents.to_json(), report.to_json()]


def of_prepare_sequences(run: Path, *_: Any) -> list[Json]:
    """Return reports of the same data, with a finding, and of the step that is up to date."""
    file = gestures(run.parent / "moves.csv")
    columns = PrepareOfTasks(sequence="id", label="move", value=("x",), max_length=9)
    folder = run.parent / "classified"
    texts = PrepareOfTasks(text="review", label="mood", tokens="bytes")
    of_documents = prepare(
        str(reviews(run.parent / "reviews.csv")),
        run.parent / "documents",
        PrepareConfig(),
        ignore_events,
        columns=texts,
    )
    return [of_documents.to_json()] + [
        prepare(str(file), folder, PrepareConfig(), ignore_events, columns=columns).to_json() for _ in "12"
    ]


def of_train_classifier(run: Path, *_: Any) -> list[Json]:
    of_prepare_sequences(run)
    settings = TrainConfig(model="stacked", hidden=(2,), epochs=1, device="cpu", threads=1)
    report = train(run.parent / "classified", settings, ignore_events)
    parts = [{"part": "classifier", "taken": ["layers.0"], "left": {"head": "other classes"}}]
    start = {"run": "runs/a", "own": False, "version": 3, "digest": "0" * 64, "weights": "shipped"}
    warm = {"warm_start": start | {"parts": parts, "other_scaling": False}}
    again = train(run.parent / "classified", settings, ignore_events).to_json()
    return [report.to_json() | warm, again, replace(report, ngrams=9).to_json()]


def of_evaluate_classifier(run: Path, *_: Any) -> list[Json]:
    of_train_classifier(run)
    settings = EvaluateConfig(
        fail_if=("accuracy<0",), output=str(run.parent / "classes"), plot=str(run.parent / "classes.png")
    )
    return [evaluate(run.parent / "classified", settings, ignore_events).to_json() for _ in "12"]


def of_quantize_classifier(run: Path, *_: Any) -> list[Json]:
    of_train_classifier(run)
    settings = QuantizeConfig(to="fp16", max_loss=1.0)
    return [quantize(run.parent / "classified", settings, ignore_events).to_json() for _ in "12"]


def of_predict_sequences(run: Path, *_: Any) -> list[Json]:
    of_train_classifier(run)
    settings = PredictConfig(output=str(run.parent / "classes.csv"))
    new = str(run.parent / "moves.csv")
    return [predict(run.parent / "classified", new, settings, ignore_events).to_json()]


def of_report_classes(run: Path, *_: Any) -> list[Json]:
    of_evaluate_classifier(run)
    settings = ReportConfig(output=str(run.parent / "classes.html"))
    return [report(run.parent / "classified", settings, ignore_events).to_json()]


def text_run_next_to(run: Path) -> Path:
    """Return a run of text, which is made once."""
    folder = run.parent / "text"
    if not folder.exists():
        folder.mkdir()
        make_text_run(folder, lines=200)
    return folder / "run"


def of_prepare_text(run: Path, *_: Any) -> list[Json]:
    """Return reports of the same text, with a finding, and of the step that is up to date."""
    path = run.parent / "twice.txt"
    path.write_text(story(100) + story(100), encoding="utf-8")
    folder = run.parent / "learnt"
    return [prepare(str(path), folder, PrepareConfig(), ignore_events).to_json() for _ in "12"]


def of_train_text(run: Path, *_: Any) -> list[Json]:
    """Return reports of a training that improves nothing, which is a finding, and of the step that is up to date."""
    of_prepare_text(run)
    settings = TrainConfig(model="stacked", hidden=(2,), epochs=1, lr=1e-30, device="cpu", threads=1)
    return [train(run.parent / "learnt", settings, ignore_events).to_json() for _ in "12"]


def of_evaluate_text(run: Path, *_: Any) -> list[Json]:
    text = text_run_next_to(run)
    everything = EvaluateConfig(
        fail_if=("bpc<0",), output=str(run.parent / "losses"), plot=str(run.parent / "losses.png")
    )
    ways = (everything, everything, EvaluateConfig(split="val"))
    return [evaluate(text, way, ignore_events).to_json() for way in ways]


def of_quantize_text(run: Path, *_: Any) -> list[Json]:
    text = text_run_next_to(run)
    settings = QuantizeConfig(to="fp16", max_loss=1.0)
    return [quantize(text, settings, ignore_events).to_json() for _ in "12"]


def of_predict_text(run: Path, *_: Any) -> list[Json]:
    text, output = text_run_next_to(run), PredictConfig(output=str(run.parent / "text.txt"))
    ways = (TextSampling(length=5), TextSampling(prompt="The", length=5, top_k=3, top_p=0.5))
    return [predict(text, None, output, ignore_events, sampling=way).to_json() for way in ways]


SAMPLES: dict[str, Callable[[Path, Path, Json], list[Json]]] = {
    "check": of_check,
    "prepare": of_prepare,
    "train": of_train,
    "train --find-lr": of_find_lr,
    "tune": of_tune,
    "evaluate": of_evaluate,
    "quantize": of_quantize,
    "predict": of_predict,
    "score": of_score,
    "refresh": of_refresh,
    "export": of_export,
    "report": of_report,
    "runs": of_runs,
    "runs --diff": of_runs_diff,
    "runs --clean": of_runs_clean,
    "verify": of_verify,
    "serve": of_serve,
    "history": of_history,
    "config": of_config,
    "dry-run": of_dry_run,
    "check: labelled sequences": of_check_sequences,
    "prepare: labelled sequences": of_prepare_sequences,
    "train: labelled sequences": of_train_classifier,
    "evaluate: labelled sequences": of_evaluate_classifier,
    "quantize: labelled sequences": of_quantize_classifier,
    "predict: labelled sequences": of_predict_sequences,
    "report: labelled sequences": of_report_classes,
    "prepare: text": of_prepare_text,
    "train: text": of_train_text,
    "evaluate: text": of_evaluate_text,
    "quantize: text": of_quantize_text,
    "predict: text": of_predict_text,
}


def test_every_verb_has_a_table() -> None:
    assert set(VERBS) <= set(REPORTS) == set(SAMPLES)
    assert set(REPORTS) <= set(tables())


@pytest.mark.parametrize("section", REPORTS)
def test_the_fields_of_a_report_are_the_keys_of_its_table(section: str) -> None:
    named = {field.name for field in fields(REPORTS[section])}
    documented = set(tables()[section].children)
    missing = [
        f"{section}: '{name}' is not in docs/reference/json.md: add a row" for name in named - documented
    ]
    gone = [f"{section}: '{name}' is documented, and the report lacks it" for name in documented - named]
    assert missing + gone == []


@pytest.mark.parametrize("section", REPORTS)
def test_the_reports_match_the_page(section: str, run: Path, panel: Path, scored: Json) -> None:
    comparison = Comparison(section)
    problems = [
        item for report in SAMPLES[section](run, panel, scored) for item in comparison.problems(report)
    ]
    assert list(dict.fromkeys(problems)) == []
    assert list(comparison.unseen()) == []


def test_a_difference_is_named_with_its_place() -> None:
    """Each kind of difference is found in a changed report."""
    wrong = {"run": 3, "data": None, "steps": {"train": {"lr": {"value": 1, "source": None, "new": 1}}}}
    assert sorted(Comparison("config").problems(wrong)) == [
        "config: 'run' is 3, and the page says 'string'",
        "config: 'steps.STEP.SETTING.new' is not in docs/reference/json.md: add a row",
        "config: 'steps.STEP.SETTING.source' is null, and the page does not say when",
    ]
    lacking: Json = {"run": "r", "steps": {"train": {"lr": {"value": 1}}}}
    assert sorted(Comparison("config").problems(lacking)) == [
        "config: 'data' is documented, and the report lacks it",
        "config: 'steps.STEP.SETTING.source' is documented, and the report lacks it",
    ]
