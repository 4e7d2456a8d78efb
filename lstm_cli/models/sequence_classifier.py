"""Classifier of labelled sequences: the layers of the stacked LSTM, and a simple model of statistics.

values -> [LSTM -> norm -> dropout] per layer -> attention -> pooling -> linear layer -> softmax
values -> statistics -> linear layer -> softmax

The LSTM of documents reads the embedding of each token. Their simple model is in `ngram_classifier.py`.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lstm_cli.models.ngram_classifier import NgramClassifier
from lstm_cli.models.padding import last_step, step_mask
from lstm_cli.models.stacked_lstm import StackedLSTM

SEGMENTS = 16  # equal parts of a sequence, each with its mean value and its mean absolute change
LAGS = (1, 2, 4, 8, 16)  # steps between the values of an autocorrelation
SMALL_DEVIATION, SMALL_SQUARES = 1e-3, 1e-6  # added before a logarithm or a division, in scaled units
KINDS = (  # statistics of a column
    *("mean", "deviation", "log deviation", "minimum", "maximum", "first", "last"),
    *("change", "log change", "change deviation", "largest fall", "largest rise"),
    *(f"mean of part {number}" for number in range(1, SEGMENTS + 1)),
    *(f"change of part {number}" for number in range(1, SEGMENTS + 1)),
    *(f"autocorrelation {lag}" for lag in LAGS),
)


class SequenceClassifier(StackedLSTM):
    """Stacked LSTM that returns one score for each class."""

    def __init__(
        self,
        *,
        inputs: int,  # F; for documents the size of the embedding
        classes: int,  # K
        max_length: int,  # steps L that the ONNX graph reads
        vocabulary: int = 0,  # number of tokens of documents; 0 for value columns
        hidden: tuple[int, ...],  # size of each layer, per direction
        dropout: float,
        bidirectional: bool = False,
        batch_norm: bool = False,
        layer_norm: bool = False,
        attention: int = 0,
        pooling: str = "last",  # last, mean, max, attention, or concat: the first three
    ) -> None:
        super().__init__(
            inputs=inputs,
            targets=classes,
            known_ahead=0,
            lookback=max_length,
            horizon=1,
            hidden=hidden,
            dropout=dropout,
            bidirectional=bidirectional,
            batch_norm=batch_norm,
            layer_norm=layer_norm,
            attention=attention,
            head=pooling,
        )
        if pooling == "concat":
            self.head = nn.Linear(3 * self.head.in_features, classes)
        self.embedding = nn.Embedding(vocabulary, inputs) if vocabulary else None

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:  # type: ignore[override]
        """Return the scores [B, K] before the softmax.

        Args:
            values: [B, L, F] scaled, with the padding at the end; for documents the tokens [B, L, 1].
            lengths: [B] number of real steps, at least 1.
        """
        if self.embedding is not None:
            values = self.dropout(self.embedding(values[:, :, 0]))
        real = step_mask(lengths, values.shape[1])
        outputs = self._outputs(values * real[:, :, None], lengths, real)
        scores: Tensor = self.head(self.dropout(self._state(outputs, lengths, real)))
        return scores

    def _state(self, outputs: Tensor, lengths: Tensor, real: Tensor) -> Tensor:
        if self.head_kind not in ("max", "concat"):
            return super()._state(outputs, lengths, real)
        outputs = self._normalize(-1, outputs, real)
        if self.attention is not None:
            outputs = self.attention(outputs, real)
        largest = outputs.masked_fill(real[:, :, None] == 0, float("-inf")).amax(dim=1)
        if self.head_kind == "max":
            return largest
        mean = (outputs * real[:, :, None]).sum(dim=1) / lengths[:, None]
        return torch.cat([self._last(outputs, lengths), mean, largest], dim=1)


class SimpleClassifier(nn.Module):
    """Logistic regression on statistics of a sequence. Its weights are fitted by scikit-learn."""

    center: Tensor  # [D]
    scale: Tensor  # [D]

    def __init__(self, *, inputs: int, classes: int, max_length: int) -> None:
        super().__init__()
        self.max_length = max_length
        count = statistics_count(inputs)
        self.register_buffer("center", torch.zeros(count))
        self.register_buffer("scale", torch.ones(count))
        self.linear = nn.Linear(count, classes)

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Return the scores [B, K] before the softmax of values [B, L, F] with lengths [B]."""
        statistics = sequence_statistics(values, lengths, self.max_length)
        scores: Tensor = self.linear((statistics - self.center) / self.scale)
        return scores

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of the model."""
        return {name: value.tolist() for name, value in self.state_dict().items()}


class CombinedClassifier(nn.Module):
    """Mean of the probabilities of the network and of the simple model."""

    share: Tensor  # [] weight of the network, 0 to 1

    def __init__(
        self, network: SequenceClassifier, simple: SimpleClassifier | NgramClassifier, share: float
    ) -> None:
        super().__init__()
        self.network, self.simple = network, simple
        self.register_buffer("share", torch.tensor(share))

    def forward(self, values: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the probabilities [B, K] of the model and the simple model, for values [B, L, F] and lengths [B]."""
        simple = self.simple(values, lengths).softmax(dim=1)
        network = self.network(values, lengths).softmax(dim=1)
        return self.share * network + (1 - self.share) * simple, simple


def statistics_count(inputs: int) -> int:
    """Return the number of statistics D of sequences with F columns."""
    return len(KINDS) * inputs + 1


def statistic_names(columns: Sequence[str]) -> list[str]:
    """Return the name of each statistic [D] of these columns."""
    return [*(f"{column}: {kind}" for kind in KINDS for column in columns), "length"]


def sequence_statistics(values: Tensor, lengths: Tensor, max_length: int) -> Tensor:
    """Return the statistics [B, D] of sequences. The padding does not change them.

    They are each of KINDS for all columns, then the length. A change is the difference between a value and the one
    before, and 0 for the first value.

    Args:
        values: [B, L, F], with the padding at the end.
        lengths: [B] number of real steps, at least 1.
        max_length: length that counts as 1.
    """
    real = step_mask(lengths, values.shape[1])[:, :, None]
    count = lengths[:, None].to(values.dtype)
    values = values * real
    mean = values.sum(dim=1) / count
    centered = (values - mean[:, None]) * real
    squares = centered.square().sum(dim=1)
    deviation = (squares / count).sqrt()
    low = values.masked_fill(real == 0, float("inf")).amin(dim=1)
    high = values.masked_fill(real == 0, float("-inf")).amax(dim=1)
    moves = (values - torch.cat([values[:, :1], values[:, :-1]], dim=1)) * real
    moved = (count - 1).clamp(min=1)
    change = moves.abs().sum(dim=1) / moved
    lagged = [(centered[:, lag:] * centered[:, :-lag]).sum(dim=1) / (squares + SMALL_SQUARES) for lag in LAGS]
    return torch.cat(
        [
            *(mean, deviation, (deviation + SMALL_DEVIATION).log(), low, high, values[:, 0]),
            *(last_step(values, lengths), change, (change + SMALL_DEVIATION).log()),
            *((moves.square().sum(dim=1) / moved).sqrt(), moves.amin(dim=1), moves.amax(dim=1)),
            segment_means(values, lengths).flatten(1),
            segment_means(moves.abs(), lengths).flatten(1),
            *lagged,
            count / max_length,
        ],
        dim=1,
    )


def segment_means(values: Tensor, lengths: Tensor) -> Tensor:
    """Return the mean [B, SEGMENTS, F] of each part of sequences [B, L, F]; a part has at least one step."""
    parts = torch.arange(SEGMENTS, device=values.device)
    begin = lengths[:, None] * parts // SEGMENTS
    end = torch.maximum(lengths[:, None] * (parts + 1) // SEGMENTS, begin + 1)
    sums = torch.cat([torch.zeros_like(values[:, :1]), values.cumsum(dim=1)], dim=1)  # [B, L + 1, F]
    width = values.shape[2]
    ends, begins = (sums.gather(1, place[:, :, None].expand(-1, -1, width)) for place in (end, begin))
    return (ends - begins) / (end - begin)[:, :, None]
