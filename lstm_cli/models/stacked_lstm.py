"""Stacked LSTM: layers over every step of the window, and a head that forecasts all steps ahead.

past -> [LSTM -> norm -> dropout] per layer -> attention -> last, mean or attention -> dropout -> linear layer
                                                                      or seq2seq: -> LSTM decoder -> linear layer
"""

import torch
from torch import Tensor, nn

from lstm_cli.models.attention import AdditivePooling, SelfAttention
from lstm_cli.models.batch_norm import MaskedBatchNorm
from lstm_cli.models.dropout import SeededDropout
from lstm_cli.models.padding import last_step, left_align, reverse_steps, step_mask


class StackedLSTM(nn.Module):
    """Stack of LSTM layers with optional normalization, dropout, attention, both directions and a choice of head.

    Heads: `last` uses the last state of each direction, `mean` the mean output, and `attention` a learned mean
    (additive pooling). Each of these feeds one linear layer for all steps and targets. With `seq2seq`, the last state
    starts an LSTM over the horizon. It reads that state and the known-ahead inputs at every step (Cho et al. 2014,
    "Learning phrase representations using RNN encoder-decoder").
    """

    def __init__(
        self,
        *,
        inputs: int,  # F
        targets: int,  # C
        known_ahead: int,  # K
        lookback: int,  # L
        horizon: int,  # H
        hidden: tuple[int, ...],  # size of each layer, per direction
        dropout: float,  # between layers and before the head
        bidirectional: bool = False,
        batch_norm: bool = False,  # after each layer
        layer_norm: bool = False,  # after each layer
        attention: int = 0,  # heads of self-attention over the outputs of the last layer; 0: none
        head: str = "last",
    ) -> None:
        super().__init__()
        self.lookback, self.horizon, self.targets = lookback, horizon, targets
        self.known_ahead, self.head_kind = known_ahead, head
        directions = 2 if bidirectional else 1
        widths = [directions * size for size in hidden]
        sizes = list(zip((inputs, *widths), hidden, strict=False))
        self.layers = nn.ModuleList(nn.LSTM(size, after, batch_first=True) for size, after in sizes)
        # Separate layers, because a bidirectional one would start to read backwards at the padding.
        self.backward_layers = nn.ModuleList(
            nn.LSTM(size, after, batch_first=True) for size, after in sizes if bidirectional
        )
        self.norms = nn.ModuleList()
        if batch_norm or layer_norm:
            self.norms.extend(
                MaskedBatchNorm(width) if batch_norm else nn.LayerNorm(width) for width in widths
            )
        # Separate layer, because dropout inside a multi-layer cuDNN LSTM is not reproducible.
        self.dropout = SeededDropout(dropout)
        width = widths[-1]
        self.attention = SelfAttention(width, attention) if attention else None
        self.pooling = AdditivePooling(width) if head == "attention" else None
        self.bridge = self.decoder = self.ahead = None
        if head == "seq2seq":
            self.bridge = nn.Linear(width, hidden[-1])
            self.decoder = nn.LSTM(width + known_ahead, hidden[-1], batch_first=True)
            self.head = nn.Linear(hidden[-1], targets)
        else:
            self.head = nn.Linear(width, horizon * targets)
            if known_ahead:  # starts at zero: the first forecast does not depend on it
                self.ahead = nn.Linear(horizon * known_ahead, horizon * targets, bias=False)
                nn.init.zeros_(self.ahead.weight)

    def forward(self, past: Tensor, future: Tensor, mask: Tensor) -> Tensor:
        """Return the forecast [B, H, C].

        Args:
            past: [B, L, F] scaled, targets first.
            future: [B, H, K] known-ahead inputs.
            mask: [B, L], 0 for padding.
        """
        lengths = mask.sum(dim=1).long().clamp(min=1)
        real = step_mask(lengths, mask.shape[1])
        outputs = self._outputs(left_align(past * mask[:, :, None], lengths), lengths, real)
        state = self.dropout(self._state(outputs, lengths, real))
        if self.decoder is not None:
            return self._decode(state, future)
        forecast = self.head(state)
        if self.ahead is not None:
            forecast = forecast + self.ahead(future.flatten(1))
        return forecast.unflatten(1, (self.horizon, self.targets))

    def loss_scale(self, past: Tensor, mask: Tensor) -> Tensor:
        """Return ones [B, 1, C]: the loss is in scaled units."""
        return torch.ones_like(past[:, :1, : self.targets])

    def _outputs(self, steps: Tensor, lengths: Tensor, real: Tensor) -> Tensor:
        """Return the outputs [B, L, width] of the last layer, not yet normalized, for left-aligned steps [B, L, F]."""
        for number, layer in enumerate(self.layers):
            if number:
                steps = self.dropout(self._normalize(number - 1, steps, real))
            outputs, _ = layer(steps)
            if self.backward_layers:
                backward, _ = self.backward_layers[number](reverse_steps(steps, lengths))
                outputs = torch.cat([outputs, reverse_steps(backward, lengths)], dim=2)
            steps = outputs
        return steps

    def _state(self, outputs: Tensor, lengths: Tensor, real: Tensor) -> Tensor:
        """Return one state [B, width] per window."""
        last = self.head_kind in ("last", "seq2seq")
        if last and self.attention is None:
            # The directions end at different steps, so their last states are joined before normalization.
            return self._normalize(-1, self._last(outputs, lengths)[:, None], real[:, :1])[:, 0]
        outputs = self._normalize(-1, outputs, real)
        if self.attention is not None:
            outputs = self.attention(outputs, real)
        if last:
            return self._last(outputs, lengths)
        if self.pooling is not None:
            pooled: Tensor = self.pooling(outputs, real)
            return pooled
        return (outputs * real[:, :, None]).sum(dim=1) / lengths[:, None]

    def _last(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """Return the last state [B, width] of both directions: forward at the last step, backward at the first."""
        last = last_step(outputs, lengths)
        if not self.backward_layers:
            return last
        size = outputs.shape[2] // 2
        return torch.cat([last[:, :size], outputs[:, 0, size:]], dim=1)

    def _normalize(self, number: int, steps: Tensor, real: Tensor) -> Tensor:
        """Return the outputs [B, T, width] of a layer after its normalization, if it has one."""
        if not self.norms:
            return steps
        norm = self.norms[number]
        normed: Tensor = norm(steps, real) if isinstance(norm, MaskedBatchNorm) else norm(steps)
        return normed

    def _decode(self, state: Tensor, future: Tensor) -> Tensor:
        """Return the decoder's forecast [B, H, C] from a state [B, width] and known-ahead inputs [B, H, K]."""
        assert self.decoder is not None
        assert self.bridge is not None
        steps = torch.cat([state[:, None].expand(-1, self.horizon, -1), future], dim=2)
        hidden = self.bridge(state).tanh()[None]
        outputs, _ = self.decoder(steps, (hidden, torch.zeros_like(hidden)))
        forecast: Tensor = self.head(self.dropout(outputs))
        return forecast
