"""Language model: LSTM layers over tokens, with one matrix for the embedding and the softmax.

tokens -> embedding -> dropout -> [LSTM -> dropout] per layer -> embedding, transposed -> scores of the next token
"""

import math

import torch
from torch import Tensor, nn

from lstm_cli.models.dropout import SeededDropout
from lstm_cli.models.initialization import init_forget_gate_bias


class LanguageModel(nn.Module):
    """LSTM that returns one score for each token, and the state to go on from.

    The embedding is the matrix of the softmax too (Press and Wolf 2017, "Using the output embedding to improve
    language models"), so an embedded token has the size of the last layer.
    """

    def __init__(
        self,
        *,
        vocabulary: int,  # V
        hidden: tuple[int, ...],  # size of each layer
        dropout: float,  # of the embedded tokens, and after each layer
    ) -> None:
        super().__init__()
        self.hidden = hidden
        self.embedding = nn.Embedding(vocabulary, hidden[-1])
        self.layers = nn.ModuleList(
            nn.LSTM(size, after, batch_first=True)
            for size, after in zip((hidden[-1], *hidden[:-1]), hidden, strict=True)
        )
        self.dropout = SeededDropout(dropout)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        # Scores of about 1 at first, and inputs of about 1 too.
        nn.init.normal_(self.embedding.weight, std=hidden[-1] ** -0.5)
        init_forget_gate_bias(self)

    @property
    def input_scale(self) -> float:
        """Return the factor of an embedded token."""
        return math.sqrt(self.hidden[-1])

    def new_state(self, batch: int) -> Tensor:
        """Return the state [S, B, H] before the first token: zeros.

        S is twice the number of layers: the outputs of the layers, and then their cells. H is the largest layer; a
        smaller one uses the first values only.
        """
        return self.bias.new_zeros(2 * len(self.hidden), batch, max(self.hidden))

    def forward(self, tokens: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores [B, T, V] of the next tokens, and the state [S, B, H] after the last one.

        Args:
            tokens: [B, T] numbers of tokens.
            state: [S, B, H] state before the first token.
        """
        steps = self.dropout(self.embedding(tokens) * self.input_scale)
        outputs, cells = state.chunk(2)
        after: list[list[Tensor]] = [[], []]
        for number, (layer, size) in enumerate(zip(self.layers, self.hidden, strict=True)):
            begin = tuple(part[number : number + 1, :, :size].contiguous() for part in (outputs, cells))
            steps, end = layer(steps, begin)
            steps = self.dropout(steps)
            for part, value in zip(after, end, strict=True):
                part.append(nn.functional.pad(value, (0, state.shape[2] - size)))
        scores = steps @ self.embedding.weight.T + self.bias
        return scores, torch.cat([*after[0], *after[1]])
