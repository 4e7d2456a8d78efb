"""Scores of a text model next to an n-gram model and xz."""

from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Any

import numpy as np

from lstm_cli.evaluation.text.passages import Passages, TextScores, divide_text, text_metrics
from lstm_cli.inference.text_session import WARM_UP, TextSession
from lstm_cli.text.compression import xz_bits
from lstm_cli.text.dataset import SPLITS, TextData
from lstm_cli.text.n_gram import ORDER, fit_n_grams
from lstm_cli.text.vocabulary import CharacterVocabulary, Vocabulary, unknown_nats, unknown_places

MOST_FITTED = 20_000_000  # tokens and characters at the end of the training text that the baselines read


@dataclass(frozen=True, kw_only=True)
class ScoredText:
    """Model and baselines on a split."""

    data: TextData
    split: str
    passages: Passages
    model: TextScores

    @cached_property
    def n_gram(self) -> TextScores:
        """Return the scores of the n-gram model of the training text."""
        train = self.data.split("train")[-MOST_FITTED:]
        model = fit_n_grams(train, self.data.vocabulary.size)
        before = _before(self.data, self.split, ORDER - 1)
        losses = model.losses(np.concatenate([before, self.data.split(self.split)]))[len(before) :]
        return TextScores(passages=self.passages, losses=charge_unknown(self.data, self.split, losses))

    @cached_property
    def xz(self) -> dict[str, float | None]:
        """Return the metrics of xz, which has read the training text."""
        bits = xz_bits(self.data.text(self.split), after=self.data.text("train")[-MOST_FITTED:])
        return text_metrics(bits * log(2), self.passages.size)

    def baselines(self) -> dict[str, dict[str, float | None]]:
        """Return the metrics of each baseline."""
        return {"n_gram": self.n_gram.metrics(), "xz": self.xz}

    def comparisons(self) -> dict[str, dict[str, Any]]:
        """Return the difference of the bits per character from each baseline. That from xz has no interval."""
        own, other = self.model.metrics()["bpc"], self.xz["bpc"]
        assert own is not None
        assert other is not None
        return {
            "n_gram": self.model.compare(self.n_gram),
            "xz": {"metric": "bpc", "difference": own - other, "interval": None},
        }


def score_text(data: TextData, split: str, session: TextSession) -> ScoredText:
    """Return the scores of a model on a split. It has read the tokens before the split.

    Args:
        data: prepared text.
        split: `val` or `test`.
        session: session of the model.
    """
    tokens = data.split(split)
    before = _before(data, split, WARM_UP)
    losses = session.score(np.concatenate([before, tokens]))[len(before) - 1 :]
    passages = divide_text(token_characters(data.vocabulary, tokens), data.counts[split])
    scores = TextScores(passages=passages, losses=charge_unknown(data, split, losses))
    return ScoredText(data=data, split=split, passages=passages, model=scores)


def charge_unknown(data: TextData, split: str, losses: np.ndarray) -> np.ndarray:
    """Return the losses [N] of a split in nats, with what says which unknown character follows. xz reads them all.

    Args:
        data: prepared text.
        split: `val` or `test`.
        losses: negative log-probability [N] of each token.
    """
    charged = losses.astype(np.float64)
    charged[unknown_places(data.vocabulary, data.split(split))] += unknown_nats(data.vocabulary)
    return charged


def token_characters(vocabulary: Vocabulary, tokens: np.ndarray) -> np.ndarray:
    """Return how many characters each token [N] completes."""
    if isinstance(vocabulary, CharacterVocabulary):
        return np.ones(len(tokens), dtype=np.int64)
    push = vocabulary.decoder().push
    return np.fromiter((len(push(token)) for token in tokens.tolist()), dtype=np.int64, count=len(tokens))


def _before(data: TextData, split: str, count: int) -> np.ndarray:
    """Return the last tokens before a split, at most `count`."""
    begin = sum(data.counts[name].tokens for name in SPLITS[: SPLITS.index(split)])
    return data.tokens[max(0, begin - count) : begin]
