"""Tests of `evaluate` on text, with a model whose probabilities are known."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from small_text import story, write_story
from small_text_run import commit_model, make_text_run, pair_scores

from lstm_cli.cli.main import run as lstm
from lstm_cli.config import EvaluateConfig, PrepareConfig
from lstm_cli.config.tasks import PrepareOfTasks
from lstm_cli.errors import DataError, GateFailed, UsageError
from lstm_cli.evaluation.text.passages import text_metrics
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.evaluate.text import EvaluateTextReport
from lstm_cli.steps.prepare import prepare
from lstm_cli.text.compression import xz_bits
from lstm_cli.text.n_gram import fit_n_grams
from lstm_cli.text.store import load_data


def score(run: Path, **settings: object) -> EvaluateTextReport:
    config = EvaluateConfig(**{"threads": 1, **settings})  # type: ignore[arg-type]
    report = evaluate(run, config, ignore_events)
    assert isinstance(report, EvaluateTextReport)
    return report


@pytest.mark.parametrize("split", ["val", "test"])
def test_the_scores_are_those_of_the_probabilities(text_run: Path, split: str) -> None:
    report = score(text_run, split=split)
    with open_run(text_run) as opened:
        data = load_data(opened)
    logits = pair_scores(data)
    losses = np.log(np.exp(logits).sum(axis=1, keepdims=True)) - logits
    begin = {"val": data.counts["train"].tokens}
    begin["test"] = begin["val"] + data.counts["val"].tokens
    tokens = data.tokens.astype(int)
    place = np.arange(begin[split], begin[split] + data.counts[split].tokens)
    nats = losses[tokens[place - 1], tokens[place]]  # the first token of the split knows the one before it
    assert report.metrics == pytest.approx(text_metrics(nats.sum(), data.counts[split]), rel=1e-5)
    assert report.tokens == len(nats)
    assert report.intervals["bpc"][0] < report.metrics["bpc"] < report.intervals["bpc"][1]
    # The n-gram model reads the four tokens before the split too.
    n_gram = fit_n_grams(data.split("train"), data.vocabulary.size)
    expected = n_gram.losses(tokens[place[0] - 4 : place[-1] + 1])[4:].sum()
    assert report.baselines["n_gram"]["loss"] * report.tokens == pytest.approx(expected)
    assert report.comparisons["n_gram"]["difference"] == pytest.approx(
        report.metrics["bpc"] - report.baselines["n_gram"]["bpc"]
    )
    assert report.comparisons["xz"]["interval"] is None


def test_the_files_have_the_losses_along_the_text(text_run: Path) -> None:
    report = score(text_run, output=str(text_run.parent / "scores"), plot=str(text_run.parent / "plot.svg"))
    copies = text_run.parent / "scores"
    assert {path.name for path in copies.iterdir()} == {"scores.json", "losses.csv", "losses.png"}
    rows = list(csv.DictReader((copies / "losses.csv").open()))
    assert len(rows) == report.passages
    characters = np.array([int(row["characters"]) for row in rows])
    assert [int(row["position"]) for row in rows] == [0, *np.cumsum(characters)[:-1].tolist()]
    for name, bpc in (("model", report.metrics["bpc"]), ("n_gram", report.baselines["n_gram"]["bpc"])):
        bits = np.array([float(row[name]) for row in rows]) @ characters
        assert bits / report.characters == pytest.approx(bpc, rel=1e-5)
    stored = json.loads((copies / "scores.json").read_text())
    assert stored["metrics"] == report.metrics
    assert b"<svg" in (text_run.parent / "plot.svg").read_bytes()


def test_scores_that_are_up_to_date_check_new_conditions(text_run: Path) -> None:
    first = score(text_run, fail_if=("bpc<0.1",))
    assert first.gates[0]["failed"] is False
    with pytest.raises(GateFailed, match="bpc is 1"):
        score(text_run, fail_if=("bpc>n_gram.bpc",), plot=str(text_run.parent / "plot.png"))
    again = score(text_run)
    assert again.up_to_date
    assert again.metrics == first.metrics
    assert (text_run.parent / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_bits_per_character_do_not_depend_on_the_tokens(tmp_path: Path) -> None:
    run = make_text_run(tmp_path, tokens="bytes", lines=200)
    report = score(run)
    text = story(200)
    assert report.characters == round(0.2 * len(text))
    assert report.bytes == report.tokens > report.characters  # Zoë
    assert report.metrics["bpb"] * report.bytes == pytest.approx(report.metrics["bpc"] * report.characters)
    assert report.metrics["perplexity"] == pytest.approx(2 ** report.metrics["bpb"])
    assert report.metrics["loss"] == pytest.approx(report.metrics["bpb"] * math.log(2))
    rows = list(csv.DictReader((run / "scores/0001/losses.csv").open()))
    assert sum(int(row["characters"]) for row in rows) == report.characters


def test_unknown_characters_cost_what_their_names_need(tmp_path: Path) -> None:
    """A vocabulary of three characters must not be better than one of all characters."""
    source, run = write_story(tmp_path / "story.txt"), tmp_path / "run"
    columns = PrepareOfTasks(vocabulary_size=4)
    prepare([str(source)], run, PrepareConfig(), ignore_events, columns=columns)
    with open_run(run) as opened:
        data = load_data(opened)
    commit_model(run, data)
    report, text = score(run), story()[-round(0.2 * len(story())) :]
    tokens = data.split("test").astype(int)
    scores = pair_scores(data)
    losses = np.log(np.exp(scores).sum(axis=1, keepdims=True)) - scores
    nats = losses[np.append(data.split("val")[-1:], tokens[:-1]).astype(int), tokens].sum()
    count = sum(character not in data.vocabulary.to_json()["characters"] for character in text)
    bits = nats / math.log(2) + count * math.log2(0x10FFFF + 1 - 2048 - 3)
    assert report.metrics["bpc"] == pytest.approx(bits / len(text), rel=1e-5)
    assert report.baselines["n_gram"]["bpc"] > 10  # most characters are unknown
    train = story()[: data.counts["train"].characters]
    assert report.baselines["xz"]["bpc"] == xz_bits(text, after=train) / len(text)
    assert [finding["rule"] for finding in report.findings] == ["D673"]
    assert report.findings[0]["count"] == count


def test_a_split_without_text_is_an_error(tmp_path: Path) -> None:
    source = write_story(tmp_path / "story.txt")
    run, settings = tmp_path / "run", PrepareConfig(test="0")
    prepare([str(source)], run, settings, ignore_events, columns=PrepareOfTasks())
    with open_run(run) as opened:
        data = load_data(opened)
    commit_model(run, data)
    with pytest.raises(DataError, match="there is no test text"):
        score(run)
    assert score(run, split="val").split == "val"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backtest": 2}, "--backtest is an option of the task forecast"),
        ({"fail_if": ("mase>1",)}, "'mase' is not one of bpc, bpb, perplexity, loss"),
        ({"fail_if": ("bpc>naive.bpc",)}, "'naive' is not one of n_gram, xz"),
        ({"plot": "-"}, "--plot - draws forecasts, but this run is text"),
    ],
)
def test_settings_of_other_tasks_are_refused(text_run: Path, settings: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        score(text_run, **settings)


def test_the_table_fits_in_a_narrow_terminal(
    text_run: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert lstm(["evaluate", str(text_run), "--fail-if", "bpc>9"]) == 0
    printed = capfd.readouterr()
    assert "the model is worse than the 5-gram" in printed.out
    assert "passed: --fail-if 'bpc>9'" in printed.out
    assert "bits per character (5-gram" in printed.err


def test_runs_shows_the_scores_of_the_text(text_run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    report = score(text_run)
    assert lstm(["runs", str(text_run), "--json"]) == 0
    [summary] = json.loads(capfd.readouterr().out)["runs"]
    assert summary["text_scores"] == {
        name: report.to_json()[name] for name in ("split", "characters", "metrics", "baselines")
    }
    assert (summary["scores"], summary["class_scores"]) == (None, None)
    assert lstm(["runs", str(text_run)]) == 0
    printed = capfd.readouterr().out
    assert f"bits/character {report.metrics['bpc']:.4f}" in printed
    assert "forecast" not in printed
