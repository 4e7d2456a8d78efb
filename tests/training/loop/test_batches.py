"""Tests of the order of training examples."""

import itertools

import numpy as np
import pytest
import torch

from lstm_cli.training.loop.batches import shuffled_batches, weighted_batches


@pytest.mark.parametrize(("count", "size"), [(10, 3), (3, 10), (7, 7), (1, 4)])
def test_every_window_is_seen_once_before_any_is_seen_again(count: int, size: int) -> None:
    batches = list(
        itertools.islice(shuffled_batches(count, size, torch.Generator().manual_seed(0)), 3 * count)
    )
    assert {len(batch) for batch in batches} == {size}
    seen = torch.cat(batches)
    passes = seen[: len(seen) // count * count].view(-1, count)
    assert len(passes) >= 3
    assert (passes.sort(dim=1).values == torch.arange(count)).all()
    if count > 3:
        assert not torch.equal(passes[0], passes[1])


def test_the_order_is_the_generators() -> None:
    item, same, other = (
        torch.cat(list(itertools.islice(shuffled_batches(20, 6, torch.Generator().manual_seed(seed)), 9)))
        for seed in (1, 1, 2)
    )
    assert torch.equal(item, same)
    assert not torch.equal(item, other)


def test_zero_examples_are_an_error_instead_of_an_endless_loop() -> None:
    with pytest.raises(ValueError, match="no examples"):
        next(shuffled_batches(0, 4, torch.Generator()))


def test_windows_are_sampled_with_their_probabilities() -> None:
    chances = np.array([0.5, 0.0, 0.3, 0.2])
    batches = weighted_batches(chances, 50, torch.Generator().manual_seed(0))
    seen = torch.cat(list(itertools.islice(batches, 400)))
    share = torch.bincount(seen, minlength=4) / len(seen)
    np.testing.assert_allclose(share.numpy(), chances, atol=0.02)
    assert share[1] == 0
