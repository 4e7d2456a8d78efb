"""Tests of labelled sequences from the file to the prediction, on the command line."""

import csv
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_results import Json
from sklearn import metrics as oracle
from small_classifier import COLUMNS, NETWORK, trained_classifier
from small_sequences import gestures, sequences

from lstm_cli import system_memory
from lstm_cli.cli.main import run as lstm
from lstm_cli.config import TrainConfig
from lstm_cli.config.classify import ClassifyPrepareConfig
from lstm_cli.rundir import open_run
from lstm_cli.sequences.store import load_data
from lstm_cli.steps.report.sequences import mistakes
from lstm_cli.steps.shared.memory_estimate import PREPARING
from lstm_cli.steps.shared.sequences.memory import sequence_prepare_need, sequence_train_need


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a file and a trained run."""
    return trained_classifier(tmp_path_factory.mktemp("classify"))


@pytest.fixture
def run(folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the trained run."""
    return Path(shutil.copytree(folder / "run", tmp_path / "run"))


@pytest.fixture(scope="module")
def evaluated(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the trained run with scores. Tests must not change it."""
    run = Path(shutil.copytree(folder / "run", tmp_path_factory.mktemp("evaluated") / "run"))
    assert lstm(["evaluate", str(run), "-q"]) == 0
    return run


@pytest.fixture
def scored_run(evaluated: Path, tmp_path: Path) -> Path:
    """Return a copy of the trained run with scores."""
    return Path(shutil.copytree(evaluated, tmp_path / "run"))


def test_prepare_reports_classes_lengths_and_splits(folder: Path, tmp_path: Path, as_json: Json) -> None:
    report = as_json("prepare", folder / "moves.csv", tmp_path / "run", *COLUMNS, "--test", "0.3")
    assert report["task"] == "classify"
    assert report["classes"] == {name: {"train": 18, "val": 3, "test": 9} for name in ("down", "up")}
    assert report["sequences"] == {"train": 36, "val": 6, "test": 18}
    assert 5 <= report["lengths"]["shortest"] < report["lengths"]["longest"] <= 14
    again = as_json("prepare", folder / "moves.csv", tmp_path / "run", *COLUMNS, "--test", "0.3")
    assert again.pop("up_to_date")
    assert again == report


def test_the_scaler_is_fitted_on_training_sequences_only(folder: Path, run: Path) -> None:
    with open_run(run) as opened:
        data = load_data(opened)
    train = data.select(data.indices("train"))
    np.testing.assert_allclose(train.values.mean(axis=0), 0, atol=0.02)  # the ends of long sequences are cut
    assert abs(data.select(data.indices("test")).values.mean(axis=0)).max() > 0


def test_groups_stay_in_one_split(folder: Path, tmp_path: Path, as_json: Json) -> None:
    report = as_json(
        *("prepare", folder / "moves.csv", tmp_path / "run", *COLUMNS, "--group", "person"),
        *("--val", "0.2", "--test", "0.2"),
    )
    assert report["split_by"] == "group"
    assert report["sequences"] == {"train": 40, "val": 10, "test": 10}
    with open_run(tmp_path / "run") as opened:
        data = load_data(opened)
    of_person: dict[int, set[int]] = {}
    for name, split in zip(data.names, data.split, strict=True):
        of_person.setdefault(int(name) % 6, set()).add(int(split))
    assert all(len(splits) == 1 for splits in of_person.values())


def test_a_class_without_test_sequences_is_reported(tmp_path: Path, as_json: Json) -> None:
    lines = gestures(tmp_path / "moves.csv").read_text().splitlines()
    rare = [f"{name},{step},1,2,wave,p1" for name in ("a", "b") for step in range(4)]
    (tmp_path / "moves.csv").write_text("\n".join([*lines, *rare]) + "\n")
    report = as_json("prepare", tmp_path / "moves.csv", tmp_path / "run", *COLUMNS)
    assert report["classes"]["wave"] == {"train": 2, "val": 0, "test": 0}
    found = [finding["text"] for finding in report["findings"] if finding["rule"] == "D665"]
    assert len(found) == 2
    for split, text in zip(("validation", "test"), found, strict=True):
        assert f"1 class without a {split} sequence, first 'wave'" in text


def test_scores_are_those_of_the_predictions(folder: Path, run: Path, as_json: Json) -> None:
    report = as_json("evaluate", run, "-o", run.parent / "scores")
    predicted = predictions(run)
    with open_run(run) as opened:
        data = load_data(opened)
    test = data.indices("test")
    labels = data.labels[test]
    probabilities = np.array(
        [[float(predicted[data.names[i]][f"p_{name}"]) for name in ("down", "up")] for i in test]
    )
    classes = np.array([("down", "up").index(predicted[data.names[i]]["predicted"]) for i in test])
    assert report["sequences"] == len(test) == 18
    assert report["metrics"]["accuracy"] == pytest.approx(oracle.accuracy_score(labels, classes))
    assert report["metrics"]["macro_f1"] == pytest.approx(oracle.f1_score(labels, classes, average="macro"))
    assert report["metrics"]["log_loss"] == pytest.approx(oracle.log_loss(labels, probabilities), abs=1e-4)
    assert report["confusion"] == oracle.confusion_matrix(labels, classes).tolist()
    assert report["baselines"]["majority"]["log_loss"] == pytest.approx(np.log(2))
    assert set(report["baselines"]) == set(report["comparisons"]) == {"majority", "simple"}
    copied = {path.name for path in (run.parent / "scores").iterdir()}
    assert copied == {"scores.json", "per_class.csv", "confusion.csv", "confusion.png"}
    assert as_json("evaluate", run)["up_to_date"]


def predictions(run: Path, *command: str) -> dict[str, dict[str, str]]:
    """Return the row of each sequence in the output of `predict`."""
    output = run.parent / "classes.csv"
    assert lstm(["predict", str(run), *command, "-o", str(output), "-q"]) == 0
    rows = csv.DictReader(io.StringIO(output.read_text()))
    return {row["id"]: row for row in rows}


def test_new_sequences_get_the_probabilities_of_those_of_the_run(folder: Path, run: Path) -> None:
    own = predictions(run)
    assert len(own) == 60
    # The order of the rows, other columns and the label have no effect.
    lines = (folder / "moves.csv").read_text().splitlines()
    table = list(csv.DictReader(lines))
    new = run.parent / "new.csv"
    with new.open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["y", "id", "x"])
        for number in reversed(range(60)):
            writer.writerows([row["y"], row["id"], row["x"]] for row in table if row["id"] == str(number))
    again = predictions(run, str(new))
    assert list(again) == [str(number) for number in reversed(range(60))]
    for name, row in own.items():
        assert again[name]["predicted"] == row["predicted"]
        assert float(again[name]["p_up"]) == pytest.approx(float(row["p_up"]), abs=2e-6)
        assert float(row["p_up"]) + float(row["p_down"]) == pytest.approx(1, abs=2e-6)


def test_predict_writes_json(run: Path, as_json: Json) -> None:
    report = as_json("predict", run, "-o", run.parent / "classes.json")
    written = json.loads((run.parent / "classes.json").read_text())
    assert report["sequences"] == len(written) == 60
    assert sum(report["classes"].values()) == 60
    assert set(written[0]) == {"sequence", "predicted", "probabilities"}


def test_predict_writes_parquet(run: Path, as_json: Json) -> None:
    import pyarrow.parquet

    assert as_json("predict", run, "-o", run.parent / "classes.parquet")["format"] == "parquet"
    table = pyarrow.parquet.read_table(run.parent / "classes.parquet").to_pydict()
    rows = predictions(run)
    assert list(table) == ["id", "predicted", "p_down", "p_up"]
    assert table["id"] == list(rows)
    assert table["predicted"] == [row["predicted"] for row in rows.values()]
    np.testing.assert_allclose(table["p_up"], [float(row["p_up"]) for row in rows.values()], atol=1e-6)


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("accuracy<=1", 5),
        ("accuracy<0", 0),
        ("log_loss>9*majority.log_loss", 0),
        ("macro_f1>=0*simple.macro_f1", 5),
    ],
)
def test_conditions(run: Path, as_json: Json, condition: str, code: int) -> None:
    report = as_json("evaluate", run, "--fail-if", condition, code=code)
    assert [gate["failed"] for gate in report["gates"]] == [code == 5]


def test_training_again_with_the_same_seed_gives_the_same_model(run: Path, as_json: Json) -> None:
    with open_run(run) as opened:
        before = opened.artifact("model").digest
    assert as_json("train", run, *NETWORK, "--pooling", "mean")["up_to_date"]
    as_json("train", run, *NETWORK, "--pooling", "mean", "--force")
    with open_run(run) as opened:
        assert opened.artifact("model").digest == before


def test_the_report_of_train_has_the_weights_of_both_models(run: Path, as_json: Json) -> None:
    report = as_json(
        "train", run, *NETWORK, "--pooling", "max", "--class-weights", "balanced", "--attention", "2"
    )
    assert report["weights"]["network"] + report["weights"]["simple"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (
            lambda text: text.replace("7,2,", "7,2,", 1).replace(",up,", ",left,", 1),
            3,
            "changes within sequence",
        ),
        (lambda text: text.replace(",up,", ",,"), 3, "missing"),
        (lambda text: text.replace(",up,", ",down,"), 3, "all sequences have the label 'down'"),
        (lambda text: text.replace("id,step,x", "id,step,z", 1), 3, "'x'"),
    ],
)
def test_wrong_data_are_refused(
    folder: Path, tmp_path: Path, error_of: Any, change: Any, code: int, message: str
) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text(change((folder / "moves.csv").read_text()))
    result, text = error_of("prepare", file, tmp_path / "run", *COLUMNS)
    assert (result, message in text) == (code, True), text
    assert "hint:" in text
    assert not (tmp_path / "run").exists()


def test_a_label_that_changes_is_refused_with_its_line(tmp_path: Path, error_of: Any) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,x,move\n1,0,up\n2,0,down\n1,1,up\n2,1,up\n")
    code, text = error_of("prepare", file, tmp_path / "run", "--sequence", "id", "--label", "move")
    assert code == 3
    assert "error[D250]" in text
    assert "a.csv, line 5, column 'move'" in text
    assert "'up', but 'down' in line 3" in text


def test_duplicate_times_are_refused_and_unsorted_steps_are_sorted(
    tmp_path: Path, as_json: Json, error_of: Any
) -> None:
    rows = [(name, day, step) for name in range(20) for step, day in enumerate(("03", "01", "02"))]
    file = tmp_path / "a.csv"
    lines = [f"{name},2020-01-{day},{step},{'up' if name % 2 else 'down'}" for name, day, step in rows]
    file.write_text("id,when,x,move\n" + "\n".join(lines) + "\n")
    command = ("prepare", file, tmp_path / "run", "--sequence", "id", "--label", "move", "--time", "when")
    report = as_json(*command, "--scaler", "none", "--val", "0.2")
    assert {finding["rule"] for finding in report["findings"]} >= {"D255", "D662"}
    with open_run(tmp_path / "run") as opened:
        assert load_data(opened).values[:3, 0].tolist() == [1, 2, 0]
    file.write_text(file.read_text().replace("2020-01-03,0", "2020-01-01,0", 1))
    code, text = error_of(*command, "--force")
    assert (code, "error[D254]" in text, "line 3" in text) == (3, True, True), text


def test_the_clock_of_a_sensor_orders_the_steps(tmp_path: Path, as_json: Json, error_of: Any) -> None:
    clock = ("0.98", "1.000", "1.02", "1.2e0")
    rows = [(name, step) for name in range(20) for step in (2, 0, 3, 1)]
    lines = [f"{name},{clock[step]},{step + 10 * name},{'up' if name % 2 else 'down'}" for name, step in rows]
    file = tmp_path / "a.csv"
    file.write_text("id,t,x,move\n" + "\n".join(lines) + "\n")
    command = ("prepare", file, tmp_path / "run", "--sequence", "id", "--label", "move", "--time", "t")
    report = as_json(*command, "--scaler", "none", "--val", "0.2")
    assert report["columns"] == ["x"]
    assert [finding["rule"] for finding in report["findings"]] == ["D255"]
    with open_run(tmp_path / "run") as opened:
        assert load_data(opened).values[:8, 0].tolist() == [0, 1, 2, 3, 10, 11, 12, 13]
    for cell, rule in (("0.98", "D254"), ("", "D405"), ("later", "D302")):
        file.write_text("id,t,x,move\n" + "\n".join(lines).replace("0,1.2e0,", f"0,{cell},", 1) + "\n")
        code, text = error_of(*command, "--force")
        assert (code, f"error[{rule}]" in text, "line 4" in text) == (3, True, True), text


@pytest.mark.parametrize("flag", ["--sequence", "--label", "--group", "--value", "--time"])
def test_a_column_that_is_not_found_is_named_with_its_option(
    folder: Path, tmp_path: Path, error_of: Any, flag: str
) -> None:
    columns = {"--sequence": "id", "--label": "move"} | {flag: "nope"}
    words = [word for pair in columns.items() for word in pair]
    code, text = error_of("prepare", folder / "moves.csv", tmp_path / "run", *words)
    assert (code, f"column 'nope' ({flag}) not found" in text) == (3, True), text


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("prepare", "FILE", "new", "--label", "move"), "--sequence is missing"),
        (("prepare", "FILE", "new", "--task", "classify", "--sequence", "id"), "--label is missing"),
        (
            ("prepare", "FILE", "new", *COLUMNS, "--horizon", "3"),
            "--horizon is an option of the task forecast",
        ),
        (("prepare", "FILE", "new", "--sequence", "id"), "or add --label COLUMN"),
        (
            ("prepare", "FILE", "new", "--task", "generate", "--sequence", "id", "--label", "move"),
            "leave out --sequence, or use --task classify",
        ),
        (("prepare", "FILE", "new", *COLUMNS, "--val", "100%"), "--val '100%' is not a share"),
        (("prepare", "FILE", "new", *COLUMNS, "--missing", "season"), "--missing season"),
        (
            ("prepare", "FILE", "new", *COLUMNS, "--value", "x"),
            "column 'x' is given to --value and to --value",
        ),
        (("prepare", "FILE", "new", *COLUMNS, "--val", "0.5", "--test", "0.5"), "leave no sequences"),
        (("prepare", "FILE", "RUN", "--target", "x"), "the new data have the task forecast"),
        (("train", "RUN", "--from", "RUN", "--hidden", "8", "--model", "stacked"), "add --hidden 4"),
        (("train", "RUN", "--from", "RUN", "--model", "stacked", "--init", "xavier"), "cannot be combined"),
        (("train", "RUN", "--find-lr", "--loss", "mse"), "--loss is an option of the task forecast"),
        (("train", "RUN", "--loss", "mse"), "--loss is an option of the task forecast"),
        (("train", "RUN", "--model", "segment"), "--model segment is a model of another task"),
        (("train", "RUN", "--model", "segment", "--dry-run"), "--model segment is a model of another task"),
        (("train", "RUN", "--model", "stacked", "--head", "mean"), "--pooling"),
        (("evaluate", "RUN", "--backtest", "3"), "--backtest is an option of the task forecast"),
        (("evaluate", "RUN", "--fail-if", "mase>1"), "'mase' is not one of accuracy"),
        (("evaluate", "RUN", "--plot", "-"), "--plot -"),
        (("predict", "RUN", "--horizon", "3"), "--horizon is an option of the task forecast"),
        (("tune", "RUN", "--trials", "1", "--loss", "mse"), "--loss is an option of the task forecast"),
        (("tune", "RUN", "--space", "loss=mae|huber"), "'loss' cannot be searched"),
        (("tune", "RUN", "--space", "head=last|mean"), "'head' cannot be searched"),
        (("export", "RUN", "--to", "keras"), "use --to onnx, torchscript, pt2, safetensors or npz"),
        (("score", "RUN"), "task classify"),
        (("refresh", "RUN", "FILE"), "task classify"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_belongs_to_another_task_is_a_usage_error(
    folder: Path,
    tmp_path: Path,
    error_of: Any,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    known = {"FILE": str(folder / "moves.csv"), "RUN": str(folder / "run")}
    code, text = error_of(*(known.get(word, word) for word in command))
    assert (code, message in text) == (2, True), text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [("verify",), ("config",), ("history",), ("runs",), ("runs", "--clean")])
def test_verbs_of_every_task_work(scored_run: Path, as_json: Json, command: tuple[str, ...]) -> None:
    as_json(command[0], *command[1:], scored_run)


def test_a_list_and_the_history_show_the_accuracy(
    scored_run: Path, as_json: Json, capfd: pytest.CaptureFixture[str]
) -> None:
    accuracy = as_json("evaluate", scored_run)["metrics"]["accuracy"]
    report = as_json("runs", scored_run.parent, "--sort", "score")
    assert [run["score"] for run in report["runs"]] == [{"metric": "accuracy", "value": accuracy}]
    assert lstm(["runs", str(scored_run.parent)]) == 0
    assert f"accuracy {accuracy:.4g}" in " ".join(capfd.readouterr().out.split())
    report = as_json("history", scored_run)
    assert (report["metric"], report["versions"][0]["scores"]["accuracy"]) == ("accuracy", accuracy)
    assert lstm(["history", str(scored_run)]) == 0
    out = capfd.readouterr().out
    assert "val accuracy" in out
    assert "MASE" not in out


@pytest.mark.parametrize("verb", ["check", "prepare", "train", "tune", "evaluate", "predict"])
def test_work_that_does_not_fit_in_memory_is_refused(
    folder: Path, run: Path, as_json: Json, error_of: Any, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    source, columns = (folder / "moves.csv",), (*COLUMNS, "--test", "0.3")
    named = {"check": (*source, *columns), "prepare": (*source, run, *columns, "--force")}.get(verb, (run,))
    plan = as_json(verb, *named, "--dry-run")
    assert plan["memory"]["need"] > 45_000_000
    if verb == "check":  # it reports all that it can read
        return
    monkeypatch.setattr(
        system_memory.require_memory, "__kwdefaults__", {"mapped": 0, "have": lambda mapped: 1_000_000}
    )
    code, text = error_of(verb, *named, *(("--force",) if verb in ("train", "evaluate") else ()))
    assert (code, "of memory, but only 1.0 MB is free" in text) == (7, True), text
    assert "hint:" in text


def test_the_estimate_counts_the_cells(folder: Path, run: Path) -> None:
    config = ClassifyPrepareConfig(sequence="id", label="move", value=("x", "y"))
    need = sequence_prepare_need([str(folder / "moves.csv")], config)
    assert need is not None
    rows = len((folder / "moves.csv").read_text().splitlines())
    assert need.size - PREPARING == pytest.approx(rows * (24 + 2 * 32), rel=0.05)
    with open_run(run) as opened:
        data = load_data(opened)
        small = sequence_train_need(opened, TrainConfig(model="stacked", hidden=(4,), batch_size=8))
        large = sequence_train_need(opened, TrainConfig(model="stacked", hidden=(4,), batch_size=8_000_000))
    # 12 floats of 4 bytes are kept of each of 4 outputs, and of each input one.
    step = 4 * (2 + 12 * 4)
    assert large.size - small.size == pytest.approx(8_000_000 * data.schema.max_length * step, rel=1e-3)
    assert "--batch-size below 8000000" in large.hint


def test_the_scores_of_two_runs_are_not_compared_as_errors(scored_run: Path, as_json: Json) -> None:
    shutil.copytree(scored_run, scored_run.parent / "other")
    report = as_json("runs", scored_run.parent, "--diff", "run", "other")
    assert (report["scores"], report["same_windows"]) == ([], False)
    assert "labelled sequences" in report["reason"]


def test_the_page_has_the_stored_scores_and_the_wrong_predictions(scored_run: Path, as_json: Json) -> None:
    scores = as_json("evaluate", scored_run)
    page = scored_run.parent / "page.html"
    report = as_json("report", scored_run, "-o", page)
    assert (report["task"], report["sequences"], report["size"]) == ("classify", 18, page.stat().st_size)
    text = re.sub(r"<[^>]+>", " ", page.read_text())
    assert f"{scores['metrics']['accuracy']:.4f}" in text
    with open_run(scored_run) as opened:
        data = load_data(opened)
    test = {data.names[i]: data.schema.classes[data.labels[i]] for i in data.indices("test")}
    rows = predictions(scored_run)
    wrong = [name for name, label in test.items() if rows[name]["predicted"] != label]
    assert sum(map(sum, scores["confusion"])) - len(wrong) == sum(scores["confusion"][i][i] for i in (0, 1))
    assert (f"{len(wrong)} of 18 test sequences have a wrong prediction" in text) is bool(wrong)
    comment = scored_run.parent / "comment.md"
    as_json("report", scored_run, "-o", comment)
    assert report["commands"][1] in comment.read_text()
    assert "--pooling mean" in report["commands"][1]
    plan = as_json("report", scored_run, "-o", page, "--dry-run")
    assert plan["writes"] == [str(page)]


def test_the_surest_mistakes_come_first() -> None:
    chosen = sequences([2, 3, 4, 5], labels=[0, 1, 0, 1])
    probabilities = np.array([[0.2, 0.8], [0.1, 0.9], [0.05, 0.95], [0.6, 0.4]])
    found = mistakes(chosen, probabilities, np.array([0, 2, 3]))
    assert [each.name for each in found] == ["s2", "s0", "s3"]
    first = found[0]
    assert (first.truth, first.predicted, first.steps) == ("class0", "class1", 4)
    assert (first.confidence, first.true_probability) == (0.95, 0.05)


def test_a_page_needs_scores(run: Path, error_of: Any) -> None:
    code, text = error_of("report", run, "-o", run.parent / "page.html")
    assert (code, "lstm evaluate" in text) == (4, True), text


def test_copies_in_two_groups_are_not_kept_together_by_the_same_option(tmp_path: Path, as_json: Json) -> None:
    file = tmp_path / "a.csv"
    rows = [f"{n},{step},{('up', 'down')[n % 2]},g{n // 2}" for n in range(20) for step in range(3)]
    file.write_text("id,x,move,person\n" + "\n".join(rows) + "\n")
    command = ("prepare", file, tmp_path / "r", "--sequence", "id", "--label", "move")
    texts = [
        next(each["text"] for each in as_json(*command, *more)["findings"] if each["rule"] == "D662")
        for more in ((), ("--group", "person", "--force"))
    ]
    assert ["with --group" in text for text in texts] == [True, False]
    assert "in column 'person'" in texts[1]


@pytest.mark.parametrize("verb", ["prepare", "train", "tune", "evaluate", "predict"])
def test_the_plan_of_each_verb(folder: Path, run: Path, as_json: Json, verb: str) -> None:
    source = (folder / "moves.csv",) if verb == "prepare" else ()
    more = (*COLUMNS, "--test", "0.3") if verb == "prepare" else ()
    before = sorted(path.name for path in run.rglob("*"))
    plan = as_json(verb, *source, run, *more, "--dry-run")
    assert plan["step"] == verb
    assert plan["reads"]
    assert sorted(path.name for path in run.rglob("*")) == before


def test_a_search_trains_its_winner_and_resumes(run: Path, as_json: Json, capfd: Any) -> None:
    command = ("tune", run, *NETWORK[2:], "--method", "grid", "--space", "pooling=mean|max")
    report = as_json(*command)
    assert (report["task"], report["metric"], report["finished"]) == ("classify", "log_loss", True)
    scores = {trial["settings"]["pooling"]: trial["score"] for trial in report["trials"]}
    assert set(scores) == {"mean", "max"}
    best = report["best"]["settings"]["pooling"]
    assert scores[best] == min(scores.values())
    # The score of a trial is that of the model: the winner was trained again, and exported.
    assert report["val"]["log_loss"] == pytest.approx(scores[best], abs=1e-4)
    assert as_json("config", run)["steps"]["train"]["pooling"]["value"] == best
    assert as_json(*command)["up_to_date"]
    assert as_json("train", run, *NETWORK[4:])["up_to_date"]  # pooling and hidden are those of the winner
    note = "using settings of the winner"
    assert note in train_messages(run, NETWORK[4:], capfd)
    assert note not in train_messages(
        run, ("--bptt", "8"), capfd
    )  # an option of another task is refused first


def train_messages(run: Path, options: tuple[str, ...], capfd: Any) -> str:
    capfd.readouterr()
    lstm(["train", str(run), *options])
    return str(capfd.readouterr().err)


def test_columns_of_a_ts_file_are_matched_with_a_warning(run: Path, tmp_path: Path, as_json: Json) -> None:
    file = tmp_path / "new.ts"
    file.write_text("@classLabel false\n@data\n1,2:3,4\n3,4,5:1,2,3\n")
    (finding,) = as_json("predict", run, file, "-o", tmp_path / "out.csv")["findings"]
    assert finding["rule"] == "D261"
    assert "read as 'x', 'y'" in finding["text"]


def test_few_scored_sequences_are_a_warning(tmp_path: Path, as_json: Json) -> None:
    file = gestures(tmp_path / "a.csv", 20)
    as_json("prepare", file, tmp_path / "r", *COLUMNS, "--val", "4", "--test", "4", "--group", "person")
    as_json("train", tmp_path / "r", *NETWORK[:4], "--epochs", "1", "--device", "cpu", "--threads", "1")
    for _ in range(2):  # the stored report keeps it
        (finding,) = as_json("evaluate", tmp_path / "r")["findings"]
        assert finding["rule"] == "M222"


def history(run: Path) -> list[dict[str, Any]]:
    """Return the epochs of the model of a run."""
    with open_run(run) as opened:
        return opened.artifact("model").json_lines("history.jsonl")


def test_a_training_starts_at_the_weights_of_another_run(
    folder: Path, run: Path, tmp_path: Path, as_json: Json
) -> None:
    command = (*NETWORK, "--pooling", "mean", "--from")
    report = as_json("train", run, *command, folder / "run")
    [part] = report["warm_start"]["parts"]
    assert (part["left"], report["warm_start"]["own"]) == ({}, False)
    other = Path(shutil.copytree(run, tmp_path / "other"))
    as_json("train", other, *command, run)
    best = next(epoch for epoch in reversed(history(run)) if epoch["best"])
    assert history(other)[0]["val_loss"] == pytest.approx(best["val_loss"], rel=1e-5)
    assert as_json("train", other, *command, run)["up_to_date"]


def test_a_start_with_other_classes_keeps_only_the_layers(
    folder: Path, tmp_path: Path, as_json: Json
) -> None:
    file = tmp_path / "moves.csv"
    file.write_text((folder / "moves.csv").read_text().replace(",up,", ",rise,"))
    # Other splits: sequences that the start has learnt are in the test set.
    as_json("prepare", file, tmp_path / "new", *COLUMNS, "--test", "0.5")
    command = ("train", tmp_path / "new", *NETWORK, "--from", folder / "run")
    report = as_json(*command)
    assert report["warm_start"]["parts"][0]["left"] == {"head": "other classes"}
    assert "M213" in {finding["rule"] for finding in report["findings"]}


def test_a_start_with_other_columns_is_refused(folder: Path, tmp_path: Path, error_of: Any) -> None:
    command = ("prepare", folder / "moves.csv", tmp_path / "new", *COLUMNS[:-2])
    assert lstm([*map(str, command), "-q"]) == 0
    code, text = error_of("train", tmp_path / "new", *NETWORK, "--from", folder / "run")
    assert (code, "other columns" in text, "x, y instead of x" in text) == (4, True, True), text


def test_the_range_test_changes_no_model(run: Path, as_json: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    from lstm_cli.training import lr_range_test

    monkeypatch.setattr(lr_range_test, "STEPS", 30)
    before = history(run)
    picture = run.parent / "rates.png"
    report = as_json("train", run, *NETWORK, "--pooling", "max", "--find-lr", "-o", picture)
    [part] = report["parts"]
    assert part["part"] == "classifier"
    assert 20 < len(part["lr"]) == len(part["loss"]) <= 30
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert history(run) == before


def test_ts_files_keep_their_test_set(tmp_path: Path, as_json: Json) -> None:
    generator = np.random.default_rng(0)
    for name, count in (("Toy_TRAIN.ts", 40), ("Toy_TEST.ts", 12)):
        lines = ["@problemName Toy", "@classLabel true 1 2", "@data"]
        for number in range(count):
            values = generator.normal(number % 2, 0.3, int(generator.integers(4, 9)))
            lines.append(",".join(f"{value:.3f}" for value in values) + f":{number % 2 + 1}")
        (tmp_path / name).write_text("\n".join(lines))
    files = (tmp_path / "Toy_TRAIN.ts", tmp_path / "Toy_TEST.ts")
    report = as_json("prepare", *files, tmp_path / "run", "--val", "0.25")
    assert report["sequences"] == {"train": 30, "val": 10, "test": 12}
    assert report["split_by"] == "files"
    as_json("train", tmp_path / "run", *NETWORK)
    assert as_json("evaluate", tmp_path / "run")["sequences"] == 12
    assert as_json("predict", tmp_path / "run", files[1], "-o", tmp_path / "out.csv")["sequences"] == 12


def test_an_interrupted_training_resumes(run: Path, as_json: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    from lstm_cli.errors import DeviceError
    from lstm_cli.training.loop import fit as fitting

    longer = ("--model", "stacked", "--hidden", "4", "--epochs", "4", "--device", "cpu", "--threads", "1")
    expected = as_json("train", run, *longer)
    with open_run(run) as opened:
        weights = opened.artifact("model").bytes("weights.safetensors")
    real, steps = fitting.backward, iter(range(10_000))

    def fail(*given: Any, **named: Any) -> Any:
        if next(steps) == 250:
            raise DeviceError("the device is lost")
        return real(*given, **named)

    monkeypatch.setattr(fitting, "backward", fail)
    assert lstm(["train", str(run), *longer, "--force", "--checkpoint-every", "1", "-q"]) == 7
    monkeypatch.setattr(fitting, "backward", real)
    resumed = as_json("train", run, *longer, "--force")
    assert resumed["val"] == expected["val"]
    with open_run(run) as opened:
        assert opened.artifact("model").bytes("weights.safetensors") == weights


def test_several_processes_are_refused(run: Path, error_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from lstm_cli.training.loop import distributed

    monkeypatch.setattr(distributed, "current_ranks", lambda: object())
    code, text = error_of("train", run, *NETWORK, "--force")
    assert (code, "without torchrun" in text) == (2, True), text


@pytest.mark.parametrize(
    ("flag", "value"), [("--time", "t"), ("--value", "x"), ("--label", "move"), ("--test", "0.5")]
)
def test_options_that_a_ts_file_cannot_have_are_refused(
    tmp_path: Path, error_of: Any, flag: str, value: str
) -> None:
    for name in ("A_TRAIN.ts", "A_TEST.ts"):
        (tmp_path / name).write_text("@classLabel true 1 2\n@data\n" + "1,2:1\n3,4:2\n" * 9)
    code, text = error_of(
        "prepare", tmp_path / "A_TRAIN.ts", tmp_path / "A_TEST.ts", tmp_path / "r", flag, value
    )
    assert (code, flag in text) == (2, True), text


@pytest.mark.parametrize(("value", "rule"), [("1e200", "D603"), ("1e30", "D604")])
def test_values_that_the_model_cannot_hold_are_refused(
    folder: Path, tmp_path: Path, error_of: Any, value: str, rule: str
) -> None:
    lines = (folder / "moves.csv").read_text().splitlines()
    cells = lines[-1].split(",")
    lines[-1] = ",".join((*cells[:2], value, *cells[3:]))
    file = tmp_path / "large.csv"
    file.write_text("\n".join(lines) + "\n")
    if rule == "D603":
        code, text = error_of("prepare", file, tmp_path / "new", *COLUMNS)
    else:
        code, text = error_of("predict", folder / "run", file, "-o", tmp_path / "classes.csv")
        assert not (tmp_path / "classes.csv").exists()
    assert (code, f"error[{rule}]" in text, "'59'" in text) == (3, True, True), text


def test_a_column_that_the_model_needs_is_named_without_options_of_prepare(
    folder: Path, tmp_path: Path, error_of: Any
) -> None:
    file = tmp_path / "new.csv"
    file.write_text("id,x\n1,2\n1,3\n")
    code, text = error_of("predict", folder / "run", file)
    assert (code, "--target" in text, "--value" in text) == (3, False, False), text
    assert "column 'y', which the model needs, not found" in text
    assert "hint: use the column names of the run: id, x, y" in text


@pytest.mark.parametrize("sizes", [(2, 2), (2, 1), (3, 1)])
def test_the_hint_for_few_sequences_works(
    tmp_path: Path, as_json: Json, error_of: Any, sizes: tuple[int, int]
) -> None:
    labels = ["up"] * sizes[0] + ["down"] * sizes[1]
    file = tmp_path / "a.csv"
    file.write_text("id,x,move\n" + "".join(f"{n},{n},{label}\n" for n, label in enumerate(labels)))
    command = ("prepare", file, tmp_path / "r", "--sequence", "id", "--label", "move")
    code, text = error_of(*command, "--test", str(len(labels) - 2))
    assert (code, "error[D650]" in text) == (3, True), text
    sizes_that_fit = re.search(r"use (--val \d --test \d), or more sequences", text)
    assert sizes_that_fit, text
    report = as_json(*command, *sizes_that_fit[1].split())
    assert report["sequences"]["val"] == 1


def test_too_few_groups_are_named(tmp_path: Path, error_of: Any) -> None:
    file = tmp_path / "a.csv"
    rows = [
        f"{name},{step},{('up', 'down')[name % 2]},g{name % 2}" for name in range(20) for step in range(3)
    ]
    file.write_text("id,x,move,person\n" + "\n".join(rows) + "\n")
    command = ("prepare", file, tmp_path / "r", "--sequence", "id", "--label", "move", "--group", "person")
    code, text = error_of(*command)
    assert (code, "too few groups" in text, "2 groups of 2 classes" in text) == (3, True, True), text


@pytest.mark.parametrize(
    ("lost", "kept"), [("data", "--sequence id --label move"), ("model", "--pooling mean")]
)
def test_the_command_that_makes_a_step_again_has_its_options(
    run: Path, as_json: Json, lost: str, kept: str
) -> None:
    next((run / lost).glob("*/*.json")).unlink()
    report = as_json("runs", run)
    assert kept in report["runs"][0]["next"]


def test_negative_numbers_stay_labels(tmp_path: Path) -> None:
    """Many data sets of the archives have the labels -1 and 1."""
    file = gestures(tmp_path / "moves.csv")
    file.write_text(file.read_text().replace(",down,", ",-1,").replace(",up,", ",1,"))
    run = tmp_path / "run"
    assert lstm(["prepare", str(file), str(run), *COLUMNS, "-q"]) == 0
    assert lstm(["train", str(run), *NETWORK, "-q"]) == 0
    assert {row["predicted"] for row in predictions(run).values()} <= {"-1", "1"}
    assert lstm(["evaluate", str(run), "-q"]) == 0
    table = next((run / "scores").glob("*/per_class.csv")).read_text()
    assert table.splitlines()[1].startswith("-1,")


def test_rows_that_are_not_next_to_each_other_are_reported_without_a_time(
    tmp_path: Path, as_json: Json
) -> None:
    file = gestures(tmp_path / "moves.csv")
    header, first, *lines = file.read_text().splitlines()
    file.write_text("\n".join((header, *lines, first)) + "\n")
    report = as_json("prepare", file, tmp_path / "run", *COLUMNS)
    found = {finding["rule"]: finding for finding in report["findings"]}
    assert (found["D256"]["count"], "'0'" in found["D256"]["text"]) == (1, True)
    timed = as_json("prepare", file, tmp_path / "timed", *COLUMNS, "--time", "step")
    assert "D256" not in {finding["rule"] for finding in timed["findings"]}


def test_runs_shows_the_scores_of_the_classifier(run: Path, as_json: Json, capfd: Any) -> None:
    scores = as_json("evaluate", run)
    [summary] = as_json("runs", run)["runs"]
    assert summary["class_scores"] == {
        name: scores[name] for name in ("split", "sequences", "metrics", "baselines")
    }
    assert (summary["scores"], summary["why"]) == (None, "to classify the sequences")
    assert lstm(["runs", str(run)]) == 0
    out = capfd.readouterr().out
    assert f"accuracy {scores['metrics']['accuracy']:.4f}" in out
    assert "forecast" not in out
