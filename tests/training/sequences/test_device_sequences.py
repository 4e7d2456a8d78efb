"""Tests of labelled sequences as examples of `fit`: batches, weights, order and log-loss."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from small_data import plan
from small_sequences import sequences
from torch import Tensor, nn

from lstm_cli.events import ignore_events
from lstm_cli.models.sequence_classifier import SequenceClassifier
from lstm_cli.training.loop.fit import fit
from lstm_cli.training.sequences.device_sequences import DeviceSequences, class_scores, log_loss_validator
from lstm_cli.training.sequences.train_classifier import class_weights

CPU = torch.device("cpu")


class Means(nn.Module):
    """Network whose scores are the mean of each column over the real steps."""

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        return values.sum(dim=1) / lengths[:, None]


def test_a_batch_is_padded_to_its_longest_sequence() -> None:
    data = sequences(lengths=[4, 2, 9, 3], split=[0, 0, 1, 0])
    batch = DeviceSequences.from_data(data, "train", CPU).gather(torch.tensor([2, 1]))
    np.testing.assert_array_equal(batch.values.numpy(), data.padded(np.array([3, 1])))
    assert batch.lengths.tolist() == [3, 2]
    assert batch.labels.tolist() == [1, 1]


def test_class_weights_are_those_of_scikit_learn() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    labels = [0, 0, 0, 0, 1, 1, 1, 2]
    data = sequences(lengths=[2] * 9, labels=[*labels, 0], split=[0] * 8 + [1], classes=3)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(class_weights(data, "balanced"), expected)
    assert class_weights(data, "none") is None


def test_the_loss_is_the_weighted_mean_of_the_log_losses() -> None:
    data = sequences(lengths=[4, 2, 9, 3])
    examples = DeviceSequences.from_data(data, "train", CPU, class_weights=np.array([1.0, 3.0]))
    indices = torch.tensor([0, 1, 2, 3])
    probabilities = class_scores(Means(), examples).softmax(1).numpy()
    expected = log_loss(data.labels, probabilities, sample_weight=[1, 3, 1, 3])
    batch = examples.gather(indices)
    assert float(batch.loss(Means(), "")) == pytest.approx(expected, rel=1e-5)
    assert float(batch.loss(Means(), "", measured=examples.measured(indices))) == pytest.approx(
        expected, rel=1e-5
    )
    assert float(examples.measured(indices)) == 8


def test_the_validation_loss_has_no_class_weights() -> None:
    data = sequences(lengths=[4, 2, 9, 3, 5])
    examples = DeviceSequences.from_data(data, "train", CPU, class_weights=np.array([1.0, 30.0]))
    probabilities = class_scores(Means(), examples).softmax(1).numpy()
    assert log_loss_validator(examples)(Means()) == pytest.approx(
        log_loss(data.labels, probabilities), rel=1e-5
    )


def test_scores_are_in_the_order_of_the_sequences() -> None:
    data = sequences(lengths=[9, 1, 5, 3])
    scores = class_scores(Means(), DeviceSequences.from_data(data, "train", CPU)).numpy()
    expected = [data.select(np.array([index])).values.mean(axis=0) for index in range(4)]
    np.testing.assert_allclose(scores, expected, rtol=1e-5)


@pytest.mark.parametrize(("count", "size"), [(200, 8), (20, 16), (5, 8)])
def test_every_sequence_is_seen_once_before_any_is_seen_a_third_time(count: int, size: int) -> None:
    lengths = np.random.default_rng(0).integers(1, 50, count).tolist()
    examples = DeviceSequences.from_data(sequences(lengths=lengths), "train", CPU)
    batches = list(
        itertools.islice(examples.order(size, torch.Generator().manual_seed(0)), 10 * count // size + 1)
    )
    assert {len(batch) for batch in batches} == {size}
    counts = torch.bincount(torch.cat(batches), minlength=count)
    assert int(counts.max() - counts.min()) <= 2
    again = examples.order(size, torch.Generator().manual_seed(0))
    assert all(torch.equal(batch, next(again)) for batch in batches)


def test_batches_of_similar_length_have_little_padding() -> None:
    lengths = np.random.default_rng(0).integers(1, 200, 640).tolist()
    examples = DeviceSequences.from_data(sequences(lengths=lengths), "train", CPU)
    batches = list(itertools.islice(examples.order(16, torch.Generator().manual_seed(0)), 40))
    padded = sum(16 * int(examples.lengths[batch].max()) for batch in batches)
    real = sum(int(examples.lengths[batch].sum()) for batch in batches)
    assert padded < 1.2 * real


def test_fit_learns_to_tell_two_classes_apart() -> None:
    data = sequences(lengths=[3, 6] * 20)
    shifted = data.values + np.repeat(np.where(data.labels == 1, 1.5, -1.5), data.lengths)[:, None]
    data.values[:] = shifted
    examples = DeviceSequences.from_data(data, "train", CPU)
    torch.manual_seed(0)
    network = SequenceClassifier(inputs=2, classes=2, max_length=6, hidden=(4,), dropout=0.0, pooling="mean")
    fitted = fit(
        network,
        examples,
        log_loss_validator(examples),
        plan(epochs=8, lr=0.03, batch_size=8, steps_per_epoch=10),
        part="classifier",
        listen=ignore_events,
        should_stop=lambda: None,
    )
    assert fitted.best_loss is not None
    assert fitted.best_loss < 0.2
