"""Tests of the scores of classifiers against scikit-learn, and by hand."""

import numpy as np
import pytest
from sklearn import metrics as oracle

from lstm_cli.evaluation.classification.metrics import (
    ClassifiedSequences,
    calibration_error,
    class_table,
    compare,
    macro_f1,
    majority,
    wilson_interval,
)


def classified(
    count: int = 80, classes: int = 4, *, seed: int = 0, used: int | None = None
) -> ClassifiedSequences:
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(classes), count)
    return ClassifiedSequences(
        labels=generator.integers(used or classes, size=count), probabilities=probabilities
    )


@pytest.mark.parametrize("count", [3, 8, 20, 50, 97])
def test_the_ends_of_an_interval_are_exact_without_an_error_or_a_hit(count: int) -> None:
    assert wilson_interval(count, count)[1] == 1.0
    assert wilson_interval(0, count)[0] == 0.0


def test_calibrated_shares_have_no_calibration_error() -> None:
    labels = np.repeat([0, 1], [7, 3])
    assert majority(labels, labels, 2).metrics()["calibration_error"] == 0.0


@pytest.mark.parametrize("used", [4, 2])
def test_metrics_are_those_of_scikit_learn(used: int) -> None:
    scored = classified(used=used)
    metrics = scored.metrics()
    assert metrics["accuracy"] == pytest.approx(oracle.accuracy_score(scored.labels, scored.predictions))
    assert metrics["macro_f1"] == pytest.approx(
        oracle.f1_score(scored.labels, scored.predictions, average="macro")
    )
    assert metrics["log_loss"] == pytest.approx(
        oracle.log_loss(scored.labels, scored.probabilities, labels=range(4))
    )
    np.testing.assert_array_equal(
        scored.confusion(), oracle.confusion_matrix(scored.labels, scored.predictions, labels=range(4))
    )


def test_a_class_that_does_not_occur_has_no_f1() -> None:
    scored = ClassifiedSequences(
        labels=np.array([0, 1]), probabilities=np.array([[0.9, 0.1, 0], [0.2, 0.7, 0.1]])
    )
    assert scored.metrics()["macro_f1"] == 1
    table = class_table(scored.confusion(), ("a", "b", "c"))
    assert table[2] == {
        "class": "c",
        "sequences": 0,
        "predicted": 0,
        "precision": None,
        "recall": None,
        "f1": None,
    }


def test_the_table_of_classes_is_that_of_scikit_learn() -> None:
    scored = classified(seed=3)
    expected = oracle.precision_recall_fscore_support(scored.labels, scored.predictions)
    rows = class_table(scored.confusion(), "abcd")
    for index, name in enumerate(("precision", "recall", "f1", "sequences")):
        assert [row[name] for row in rows] == pytest.approx(list(expected[index]))


def test_calibration_error_by_hand() -> None:
    # Two sequences at 0.9, one of them correct, and two at 0.6, both correct: (|0.9 - 0.5| + |0.6 - 1|) / 2.
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    assert calibration_error(np.array([0, 1, 1, 1]), probabilities) == pytest.approx(0.4)


def test_a_probability_of_zero_has_a_finite_cost() -> None:
    scored = ClassifiedSequences(labels=np.array([0]), probabilities=np.array([[0.0, 1.0]]))
    assert scored.metrics()["log_loss"] == pytest.approx(-np.log(1e-15))


def test_wilson_interval_by_hand() -> None:
    # R: binom::binom.wilson(8, 10) gives 0.4901625 and 0.9433178.
    assert wilson_interval(8, 10) == pytest.approx([0.4901625, 0.9433178], abs=1e-6)
    assert wilson_interval(10, 10) == pytest.approx([0.7224672, 1.0], abs=1e-6)


def test_the_interval_of_a_perfect_score_is_not_empty() -> None:
    labels = np.array([0, 1] * 10)
    intervals = ClassifiedSequences(labels=labels, probabilities=np.eye(2)[labels]).intervals()
    assert intervals["macro_f1"] == intervals["accuracy"] == wilson_interval(20, 20)
    assert intervals["macro_f1"][0] < 0.9


def test_bootstrap_intervals_have_the_width_of_the_standard_error() -> None:
    scored = classified(2_000, seed=5)
    intervals, metrics = scored.intervals(), scored.metrics()
    error = scored.costs.std() / np.sqrt(2_000)
    low, high = intervals["log_loss"]
    assert (high - low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.1)
    for name, (low, high) in intervals.items():
        assert low < metrics[name] < high


def test_the_comparison_is_paired() -> None:
    scored = classified(300, seed=1)
    same = compare(scored, scored)
    assert (same["difference"], same["interval"]) == (0, [0, 0])
    better = ClassifiedSequences(
        labels=scored.labels, probabilities=0.5 * scored.probabilities + 0.5 * np.eye(4)[scored.labels]
    )
    result = compare(better, scored)
    assert result["difference"] == pytest.approx(float((better.costs - scored.costs).mean()))
    assert result["interval"][1] < 0


def test_the_majority_baseline_has_the_shares_of_the_training_set() -> None:
    scored = majority(np.array([0, 0, 0, 2]), np.array([0, 2]), 3)
    assert scored.probabilities.tolist() == [[0.75, 0, 0.25]] * 2
    assert scored.predictions.tolist() == [0, 0]


def test_macro_f1_of_several_matrices() -> None:
    matrices = np.array([[[2, 0], [0, 2]], [[1, 1], [1, 1]]])
    assert macro_f1(matrices).tolist() == [1, 0.5]
