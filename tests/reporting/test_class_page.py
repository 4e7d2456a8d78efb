"""Tests of the page and the comment about a classifier, with names that look like markup."""

import html
import re
from dataclasses import replace

import numpy as np
import pytest

from lstm_cli.reporting.classification.comment import class_comment
from lstm_cli.reporting.classification.facts import ClassFacts, Mistake
from lstm_cli.reporting.classification.page import class_page
from lstm_cli.reporting.facts import Made

HOSTILE = "<script>alert(1)</script>|`@all`"
SCORES = {"accuracy": 0.75, "macro_f1": 0.74, "log_loss": 0.5, "calibration_error": 0.1}


def facts(classes: int = 3) -> ClassFacts:
    """Return facts with a hostile name of a class, a sequence and a file."""
    names = (HOSTILE, *(f"class{number}" for number in range(1, classes)))
    matrix = np.eye(classes, dtype=np.int64) * 6
    matrix[0, 1], matrix[2, 1] = 3, 1
    return ClassFacts(
        run="runs/a",
        source=f"{HOSTILE}.csv",
        rows=400,
        columns=("x", HOSTILE),
        classes=names,
        sequences={"train": 30, "val": 0, "test": 22},
        class_counts={name: {"train": 10, "val": 0, "test": 7} for name in names},
        steps=np.array([3, 4, 9, 40]),
        lengths={"shortest": 3, "median": 6.5, "longest": 44},
        max_length=40,
        cut=1,
        split="test",
        scored=22,
        tested="Measured on 22 test sequences.",
        verdict="75.0 % of the test sequences are classified correctly.",
        comparisons=(
            "The model is better than the simple model (log-loss -0.2, 95 % interval -0.3 to -0.1).",
        ),
        model="LSTM",
        weights={"network": 0.6, "simple": 0.4},
        scores={"model": SCORES, "simple model": SCORES | {"accuracy": 0.5}},
        intervals={"accuracy": [0.6, 0.9]},
        per_class=[
            {"class": name, "sequences": 7, "precision": None, "recall": 0.5, "f1": 0.25} for name in names
        ],
        confusion=matrix,
        reliability=[{"from": 0.7, "to": 0.8, "share": 0.5, "confidence": 0.75, "accuracy": 0.6}],
        mistakes=(
            Mistake(
                name=HOSTILE,
                steps=9,
                truth=HOSTILE,
                predicted="class1",
                confidence=0.912,
                true_probability=0.05,
            ),
        ),
        wrong=4,
        curves=(),
        warnings=(f"{HOSTILE}: 3 missing values filled",),
        notes=(),
        made=Made(
            settings={},
            versions={"lstm-cli": "0.2.0"},
            seed=0,
            device="cpu",
            data_sha256=(("a.csv", "0" * 64),),
            commands=("lstm prepare a.csv runs/a", "lstm train runs/a"),
            data_is_named=True,
            steps=(),
        ),
    )


def test_the_page_shows_scores_and_mistakes_and_runs_nothing() -> None:
    page = class_page(facts()).decode()
    assert "<script" not in page
    assert "alert(1)&lt;/script&gt;" in page
    text = re.sub(r"<[^>]+>", " ", page)
    for shown in (
        "0.750",
        "95\u00a0% interval 0.600 to 0.900",
        "0.912",
        "4 of 22 test sequences",
        "lstm train runs/a",
    ):
        assert shown in text, shown
    # 3 of 9 sequences of the first class are the second one: the second shade of five.
    assert re.search(r'<td class="shade2">3</td>', page)
    assert "default-src 'none'" in html.unescape(page)


def test_the_classes_that_are_mixed_up_are_in_order() -> None:
    assert facts().mixed_up == [(HOSTILE, "class1", 3), ("class2", "class1", 1)]


@pytest.mark.parametrize(("classes", "matrix"), [(3, True), (20, False), (60, False)])
def test_many_classes_have_no_matrix(classes: int, matrix: bool) -> None:
    page = class_page(facts(classes)).decode()
    assert ("Confusion matrix" in page) is matrix
    assert "Most frequent mistakes" in page
    assert ("and 20 more classes" in page) is (classes == 60)
    assert ("Confusion matrix" in class_comment(facts(classes)).decode()) is matrix


def test_names_are_code_in_the_comment() -> None:
    comment = class_comment(facts()).decode()
    for line in comment.splitlines():
        outside = re.sub(r"``.+?``", "", line)
        assert not re.search(r"(?<!\\)<script", outside), line
        assert "@all" not in outside, line
    assert "| `` <script>alert(1)</script>\\|`@all` `` | 7 |" in comment
    rows = [line for line in comment.splitlines() if line.startswith("| ``")]
    # A bar in a name does not end its cell.
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5, 6}


def test_a_page_without_mistakes_has_no_such_section() -> None:
    page = class_page(replace(facts(), mistakes=(), wrong=0)).decode()
    assert "Most confident mistakes" not in page
