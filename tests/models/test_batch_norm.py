"""Tests of masked batch normalization against torch's own over the real steps."""

import torch
from torch import nn

from lstm_cli.models.batch_norm import MaskedBatchNorm


def test_masked_batch_norm_is_torchs_batch_norm_over_the_real_steps() -> None:
    torch.manual_seed(0)
    ours, theirs = MaskedBatchNorm(3), nn.BatchNorm1d(3)
    for item, other in ((ours.weight, theirs.weight), (ours.bias, theirs.bias)):
        other.data.copy_(nn.init.normal_(item))
    for length in (5, 4, 6):
        steps = 2 + 3 * torch.randn(4, length, 3)
        real = (torch.arange(length) < torch.tensor([length, 3, 1, 2])[:, None]).float()
        result, expected = ours(steps, real), theirs(steps[real > 0])
        torch.testing.assert_close(result[real > 0], expected)
        result[real > 0].square().sum().backward()
        expected.square().sum().backward()
        torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    ours.eval()
    theirs.eval()
    torch.testing.assert_close(ours(steps, real)[real > 0], theirs(steps[real > 0]))


def test_one_real_step_does_not_divide_by_zero() -> None:
    norm = MaskedBatchNorm(2)
    result = norm(torch.ones(1, 3, 2), torch.tensor([[1.0, 0, 0]]))
    assert result.isfinite().all()
    assert norm.running_var.isfinite().all()
