"""Text that a model writes after a prompt, piece by piece."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.config.predict import TextSampling
from lstm_cli.inference.trained_text import TrainedText
from lstm_cli.text.sampling import make_sampler
from lstm_cli.text.vocabulary import IncrementalDecoder

SAMPLES_AT_ONCE = 64  # in a batch; the next samples begin when these have ended
STARTS = ("\n", " ")  # what the model reads without a prompt: the start of a line, if the vocabulary has it


@dataclass(kw_only=True)
class _Sample:
    """Text of one sample, cut to its length."""

    decoder: IncrementalDecoder
    missing: int  # characters

    def push(self, token: int) -> str:
        """Return the characters that a token adds."""
        return self._cut(self.decoder.push(token))

    def finish(self) -> str:
        """Return the last characters."""
        return self._cut(self.decoder.finish())

    def _cut(self, text: str) -> str:
        text = text[: self.missing]
        self.missing -= len(text)
        return text


@dataclass(kw_only=True)
class TextWriter:
    """Samples of a model after a prompt."""

    model: TrainedText
    prompt: np.ndarray  # tokens of the prompt [T], at least one
    settings: TextSampling
    samples: int
    seed: int
    tokens: int = 0  # written so far, by all samples

    def write(self, show: Callable[[int, str], None]) -> None:
        """Write all samples.

        Args:
            show: receives the number of a sample, from 0, and its next characters. The first sample of a batch comes
                while it is written, the others after it.
        """
        logits, state = self.model.session.read(self.prompt[None], self.model.session.start())
        for begin in range(0, self.samples, SAMPLES_AT_ONCE):
            batch = range(begin, min(begin + SAMPLES_AT_ONCE, self.samples))
            self._write_batch(batch, logits, state, show)

    def _write_batch(
        self, batch: range, logits: np.ndarray, state: np.ndarray, show: Callable[[int, str], None]
    ) -> None:
        """Write the samples of a batch.

        Args:
            batch: numbers of the samples.
            logits: logits after the prompt [1, V].
            state: state after the prompt [S, 1, H].
            show: receives the characters.
        """
        settings = self.settings
        choose = make_sampler(
            temperature=settings.temperature,
            top_k=settings.top_k,
            top_p=settings.top_p,
            seed=self.seed,
            samples=batch,
        )
        first, *others = (
            _Sample(decoder=self.model.vocabulary.decoder(), missing=settings.length) for _ in batch
        )
        waiting: list[list[str]] = [[] for _ in others]
        for chosen in self._tokens(choose, np.repeat(logits, len(batch), 0), np.repeat(state, len(batch), 1)):
            if first.missing:
                show(batch[0], first.push(chosen[0]))
            for sample, texts, token in zip(others, waiting, chosen[1:], strict=True):
                if sample.missing:
                    texts.append(sample.push(token))
            if not first.missing and not any(sample.missing for sample in others):
                break
        show(batch[0], first.finish())
        for number, sample, texts in zip(batch[1:], others, waiting, strict=True):
            show(number, "".join([*texts, sample.finish()]))

    def _tokens(
        self, choose: Callable[[np.ndarray], np.ndarray], logits: np.ndarray, state: np.ndarray
    ) -> Iterator[Sequence[int]]:
        """Yield the next token of each sample, without end."""
        session = self.model.session
        step = session.step_alone if self.model.precision == "int8" else session.step
        while True:
            tokens = choose(logits)
            self.tokens += len(tokens)
            yield tokens.tolist()
            scores, state = step(tokens[:, None], state)
            logits = scores[:, -1]


def start_tokens(model: TrainedText) -> np.ndarray:
    """Return what the model reads if there is no prompt: a line feed, a space, or the first known token."""
    for text in STARTS:
        tokens = model.vocabulary.encode(text)
        if tokens.all():  # UNKNOWN is 0
            return tokens
    return np.array([1])
