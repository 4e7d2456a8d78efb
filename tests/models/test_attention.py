"""Tests of attention against torch's own, and of its start."""

import pytest
import torch
from torch import nn

from lstm_cli.models.attention import AdditivePooling, SelfAttention


@torch.no_grad()
@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("training", [True, False])
def test_self_attention_is_torchs_multi_head_attention_with_a_residual(heads: int, training: bool) -> None:
    torch.manual_seed(0)
    ours, theirs = SelfAttention(8, heads), nn.MultiheadAttention(8, heads, batch_first=True)
    for item, other in (
        (theirs.in_proj_weight, ours.project.weight),
        (theirs.in_proj_bias, ours.project.bias),
        (theirs.out_proj.weight, ours.out.weight),
        (theirs.out_proj.bias, ours.out.bias),
    ):
        other.copy_(item.normal_())
    steps = torch.randn(3, 5, 8)
    real = torch.tensor([[1.0, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0]])
    expected, _ = theirs(steps, steps, steps, key_padding_mask=real == 0)
    torch.testing.assert_close(ours.train(training)(steps, real), steps + expected)


def test_self_attention_starts_at_zero_and_learns() -> None:
    attention = SelfAttention(4, 2)
    steps, real = torch.randn(2, 3, 4), torch.ones(2, 3)
    assert torch.equal(attention(steps, real), steps)
    attention(steps, real).square().sum().backward()
    assert attention.out.weight.grad is not None
    assert attention.out.weight.grad.any()


@torch.no_grad()
def test_additive_pooling_is_a_mean_whose_weights_are_scores_of_each_step() -> None:
    torch.manual_seed(0)
    pooling = AdditivePooling(4)
    steps, real = torch.randn(2, 6, 4), torch.ones(2, 6)
    real[1, 2:] = 0
    result = pooling(steps, real)
    for row, length in enumerate((6, 2)):
        some = steps[row, :length]
        weights = torch.softmax(
            torch.stack([pooling.score(pooling.project(item).tanh())[0] for item in some]), 0
        )
        torch.testing.assert_close(result[row], (weights[:, None] * some).sum(dim=0))
    pooling.score.weight.zero_()
    torch.testing.assert_close(pooling(steps, real)[1], steps[1, :2].mean(dim=0))
