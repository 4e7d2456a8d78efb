"""Attention over the outputs of an LSTM: self-attention, or a weighted mean."""

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


class SelfAttention(nn.Module):
    """Multi-head self-attention with a residual connection (Vaswani et al. 2017, "Attention is all you need").

    Its output layer starts at zero, so before the first step of training the outputs are as without attention.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(width, 3 * width)  # queries, keys and values, in this order
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, steps: Tensor, real: Tensor) -> Tensor:
        """Return steps [B, T, width] after attention to the real steps [B, T] (1 for real, 0 for padding)."""
        projected = self.project(steps).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        query, key, value = projected.unbind(0)  # each [B, heads, T, width / heads]
        seen = (real > 0)[:, None, None, :]
        if self.training:  # torch's own function is faster, but its gradient on a GPU is not deterministic
            scores = (query @ key.transpose(2, 3) / query.shape[3] ** 0.5).masked_fill(~seen, float("-inf"))
            attended = scores.softmax(dim=3) @ value
        else:
            attended = scaled_dot_product_attention(query, key, value, attn_mask=seen)
        return steps + self.out(attended.transpose(1, 2).flatten(2))


class AdditivePooling(nn.Module):
    """Mean of the steps, weighted by learned additive scores (Bahdanau et al. 2015)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, width)
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, steps: Tensor, real: Tensor) -> Tensor:
        """Return the weighted mean [B, width] of steps [B, T, width], where real [B, T] is 1 for steps that count."""
        scores = self.score(self.project(steps).tanh()).squeeze(2)
        weights = scores.masked_fill(real == 0, float("-inf")).softmax(dim=1)
        return (weights[:, :, None] * steps).sum(dim=1)
