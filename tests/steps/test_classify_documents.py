"""Tests of labelled documents from the file to the prediction, on the command line."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_results import Json
from small_documents import reviews

from lstm_cli.cli.main import run as lstm
from lstm_cli.config.classify import ClassifyPrepareConfig, ClassifyTrainConfig
from lstm_cli.rundir import open_run
from lstm_cli.sequences.store import load_data
from lstm_cli.steps.shared.sequences.memory import sequence_prepare_need
from lstm_cli.steps.train.sequence_start import check_sequence_start
from lstm_cli.text.vocabulary import UNKNOWN, load_vocabulary

COLUMNS = ("--text", "review", "--label", "mood")
NETWORK = ("--model", "stacked", "--hidden", "4", "--epochs", "1", "--device", "cpu", "--threads", "1")
SUFFIXES = {"torchscript": "pt", "pt2": "pt2"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a file and a trained run. Tests must not change them."""
    folder = tmp_path_factory.mktemp("documents")
    reviews(folder / "reviews.csv")
    run = str(folder / "run")
    assert lstm(["prepare", str(folder / "reviews.csv"), run, *COLUMNS, "--max-length", "30", "-q"]) == 0
    assert lstm(["train", run, *NETWORK, "-q"]) == 0
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_prepare_reports_tokens_classes_and_cut_documents(
    folder: Path, tmp_path: Path, as_json: Json
) -> None:
    command = ("prepare", folder / "reviews.csv", tmp_path / "run", *COLUMNS, "--max-length", "30")
    report = as_json(*command)
    documents = [row["review"] for row in rows(folder / "reviews.csv")]
    assert report["rows"] == len(documents) == sum(report["sequences"].values())
    assert report["tokens"] == "characters"
    assert report["lengths"]["longest"] == max(map(len, documents))
    assert report["cut"] == sum(len(text) > 30 for text in documents) > 0
    assert {finding["rule"] for finding in report["findings"]} == {"D661"}
    assert as_json(*command)["up_to_date"]


@pytest.mark.parametrize("kind", ["characters", "bytes", "bpe"])
def test_the_vocabulary_is_that_of_the_training_documents(
    folder: Path, tmp_path: Path, as_json: Json, kind: str
) -> None:
    file = tmp_path / "a.csv"
    written = rows(folder / "reviews.csv")
    # Each document has a character of its own, so a vocabulary of all documents would have all of them.
    for number, row in enumerate(written):
        row["review"] += chr(0x4E00 + number)
    file.write_text("review,mood\n" + "".join(f"{row['review']},{row['mood']}\n" for row in written))
    run = tmp_path / "run"
    as_json("prepare", file, run, *COLUMNS, "--tokens", kind, "--max-length", "99")
    with open_run(run) as opened:
        data = load_data(opened)
        vocabulary = load_vocabulary(opened.artifact("data").json("vocabulary.json"))
    assert (vocabulary.kind, vocabulary.size) == (kind, data.schema.tokens)
    offsets = data.offsets
    for index, row in enumerate(written):
        tokens = data.values[offsets[index] : offsets[index] + data.lengths[index], 0]
        if kind == "characters" and data.split[index] != 0:
            assert tokens[-1] == UNKNOWN
            tokens, text = tokens[:-1], row["review"][:-1]
        else:
            text = row["review"]
        if data.lengths[index] < data.schema.max_length:  # a longer document is cut
            assert vocabulary.decode(tokens) == text


def test_predict_writes_the_label_and_probabilities_of_each_row(
    folder: Path, tmp_path: Path, as_json: Json
) -> None:
    report = as_json("predict", folder / "run", folder / "reviews.csv", "-o", tmp_path / "new.csv")
    assert report["sequences"] == len(rows(tmp_path / "new.csv")) == 80
    assert report["cut"] > 0
    written = rows(tmp_path / "new.csv")
    assert list(written[0]) == ["row", "predicted", "p_bad", "p_good"]
    assert [row["row"] for row in written] == [str(number) for number in range(1, 81)]
    # The documents of the file are those of the run, so their probabilities are the same.
    as_json("predict", folder / "run", "-o", tmp_path / "own.csv")
    assert rows(tmp_path / "own.csv") == written
    truth = [row["mood"] for row in rows(folder / "reviews.csv")]
    hits = np.mean([row["predicted"] == mood for row, mood in zip(written, truth, strict=True)])
    assert hits > 0.9  # the simple model has counted the words of training documents


def test_evaluate_and_train_report_the_simple_model(folder: Path, tmp_path: Path, as_json: Json) -> None:
    run = Path(shutil.copytree(folder / "run", tmp_path / "run"))
    trained = as_json("train", run, *NETWORK)
    assert trained["ngrams"] > 0
    assert trained["val"]["log_loss"] <= trained["val_baselines"]["simple"]["log_loss"] + 1e-6
    scores = as_json("evaluate", run, "--fail-if", "accuracy<0.5")
    assert set(scores["baselines"]) == {"majority", "simple"}
    with open_run(run) as opened:
        simple = opened.artifact("model").json("simple.json")
    assert len(simple["ngrams"]) == len(simple["idf"]) == trained["ngrams"]
    assert np.array(simple["weight"]).shape == (2, trained["ngrams"])


def test_unknown_characters_are_counted(folder: Path, tmp_path: Path, as_json: Json) -> None:
    (tmp_path / "new.csv").write_text("review\nthe film was ßß good\na bad film\nЖ\n")
    report = as_json("predict", folder / "run", tmp_path / "new.csv", "-o", tmp_path / "out.csv")
    [finding] = report["findings"]
    assert (finding["rule"], finding["count"]) == ("D260", 3)
    assert "in 2 documents (3 in all)" in finding["text"]
    assert "'1'" in finding["text"]
    assert report["sequences"] == 3


def test_ids_and_groups_of_documents(folder: Path, tmp_path: Path, as_json: Json, error_of: Any) -> None:
    run = tmp_path / "run"
    report = as_json(
        *("prepare", folder / "reviews.csv", run, *COLUMNS, "--sequence", "id", "--group", "author"),
        *("--val", "0.25", "--test", "0.25"),
    )
    assert report["split_by"] == "group"
    with open_run(run) as opened:
        data = load_data(opened)
    assert data.names[:2] == ("r0", "r1")
    of_author: dict[int, set[int]] = {}
    for number, split in enumerate(data.split.tolist()):
        of_author.setdefault(number % 8, set()).add(split)
    assert all(len(splits) == 1 for splits in of_author.values())


def test_equal_documents_in_two_splits_are_reported(tmp_path: Path, as_json: Json) -> None:
    file = reviews(tmp_path / "a.csv", 20)
    text = file.read_text().splitlines()
    file.write_text("\n".join((*text, *text[1:])) + "\n")
    report = as_json("prepare", file, tmp_path / "run", *COLUMNS, "--max-length", "99")
    found = {finding["rule"]: finding for finding in report["findings"]}
    assert report["duplicates"] == found["D662"]["count"] > 0
    assert "duplicate document" in found["D662"]["text"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("--text", "review"), "--text is an option of the task classify"),
        (("--text", "review", "--task", "classify"), "--label is missing"),
        ((*COLUMNS, "--value", "id"), "--value belongs to value columns"),
        ((*COLUMNS, "--time", "id"), "--time belongs to value columns"),
        ((*COLUMNS, "--scaler", "robust"), "--scaler belongs to value columns"),
        ((*COLUMNS, "--missing", "last"), "--missing belongs to value columns"),
        ((*COLUMNS, "--horizon", "3"), "--horizon is an option of the task forecast"),
        (("--text", "review", "--label", "review"), "column 'review' is given to --text and to --label"),
        ((*COLUMNS, "--tokens", "bytes", "--vocabulary-size", "9"), "--vocabulary-size"),
        (("--sequence", "id", "--label", "mood", "--tokens", "bpe"), "--tokens needs --text"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_settings_that_do_not_fit_documents_are_refused(
    folder: Path, tmp_path: Path, error_of: Any, command: tuple[str, ...], message: str
) -> None:
    code, text = error_of("prepare", folder / "reviews.csv", tmp_path / "run", *command)
    assert (code, message in text, "hint:" in text) == (2, True, True), text
    assert not (tmp_path / "run").exists()


def test_data_with_another_vocabulary_are_not_read_by_an_old_model(
    folder: Path, tmp_path: Path, as_json: Json, error_of: Any
) -> None:
    run = Path(shutil.copytree(folder / "run", tmp_path / "run"))
    as_json("prepare", folder / "reviews.csv", run, *COLUMNS, "--vocabulary-size", "9")
    code, text = error_of("predict", run, "-o", tmp_path / "out.csv")
    assert (code, "error[D845]" in text, "another vocabulary" in text, "lstm train" in text) == (
        3,
        True,
        True,
        True,
    )
    # New documents need only the model, which goes on.
    assert as_json("predict", run, folder / "reviews.csv", "-o", tmp_path / "out.csv")["sequences"] == 80


@pytest.mark.parametrize("to", ["torchscript", "pt2"])
def test_exported_programs_read_tokens(folder: Path, tmp_path: Path, as_json: Json, to: str) -> None:
    report = as_json("export", folder / "run", "--to", to, "-o", tmp_path / f"model.{SUFFIXES[to]}")
    assert report["compared"] > 0
    assert report["difference"] < 1e-5
    about = json.loads(Path(report["about"]).read_text())
    assert about["inputs"]["values"]["dtype"] == "int64"
    vocabulary = load_vocabulary(about["vocabulary"])
    assert (vocabulary.size, vocabulary.kind) == (about["vocabulary_size"], "characters")


def test_a_quantized_model_keeps_the_simple_model(folder: Path, tmp_path: Path, as_json: Json) -> None:
    run = Path(shutil.copytree(folder / "run", tmp_path / "run"))
    report = as_json("quantize", run, "--to", "int8", "--max-loss", "50%")
    assert report["metrics"]["quantized"]["accuracy"] == pytest.approx(
        report["metrics"]["fp32"]["accuracy"], abs=0.2
    )


def test_a_start_with_another_vocabulary_gives_no_embedding(
    folder: Path, tmp_path: Path, as_json: Json
) -> None:
    file = tmp_path / "more.csv"
    file.write_text((folder / "reviews.csv").read_text() + 'r80,"' + "\u00fc" * 5 + '",good,a0\n')
    as_json("prepare", file, tmp_path / "run", *COLUMNS, "--group", "author")
    config = ClassifyTrainConfig(model="stacked", hidden=(4,))
    with open_run(folder / "run") as source, open_run(tmp_path / "run") as run:
        old, new = load_data(source), load_data(run)
        start = check_sequence_start(source, run, config)
        assert start.left_out(new.schema) == {"embedding": "other vocabulary"}
        assert check_sequence_start(source, source, config).left_out(old.schema) == {}
        # The names are the rows of the file, so equal names have equal texts.
        learnt = {old.names[index] for index in old.indices("train")}
        later = {new.names[index] for name in ("val", "test") for index in new.indices(name)}
        finding = start.leakage(new)
    assert finding is not None
    assert (finding.rule, finding.count) == ("M213", len(learnt & later))


def test_the_memory_estimate_counts_the_text(folder: Path) -> None:
    file = str(folder / "reviews.csv")
    config = ClassifyPrepareConfig(text="review", label="mood")
    need = sequence_prepare_need([file], config)
    assert need is not None
    assert "documents" in need.largest_part
    assert need.hint == "use fewer documents"
    assert need.size > sequence_prepare_need([file], replace(config, tokens="bpe")).size


def test_tune_searches_its_default_space(folder: Path, tmp_path: Path, as_json: Json) -> None:
    shutil.copytree(folder / "run", tmp_path / "run")
    command = ("tune", tmp_path / "run", "--trials", "1", "--epochs", "1", "--hidden", "3", "--threads", "1")
    space = ("--space", "bidirectional=on", "--space", "pooling=mean|max", "--device", "cpu")
    plan = as_json("tune", tmp_path / "run", "--dry-run")
    assert plan["step"] == "tune"
    report = as_json(*command, *space)
    assert (report["task"], report["winner"]["bidirectional"]) == ("classify", True)
