"""Settings of text: the tokens of `prepare`, and the network of `train`. Those of `predict` are in `predict.py`.

They are options next to those of the verb. A run of this task stores both together.
"""

from dataclasses import dataclass

from lstm_cli.config.prepare import PrepareConfig, TaskChoice
from lstm_cli.config.setting import TEXT_TASK_PANEL, require_bounds, setting
from lstm_cli.config.train import TrainConfig
from lstm_cli.errors import UsageError

LEAST_PAIRS = 257  # ids of a vocabulary of byte pairs: each byte, and one that no text has


@dataclass(frozen=True, kw_only=True)
class TextTokens:
    """Settings of `lstm prepare` for the tokens of a text."""

    tokens: str = setting(
        "characters",
        "Tokens of a text; bpe: byte pairs (needs the package tokenizers).",
        choices=("characters", "bytes", "bpe"),
        panel=TEXT_TASK_PANEL,
    )
    vocabulary_size: int | None = setting(
        None,
        "Largest number of different tokens; the rarest characters become unknown.",
        "N",
        kind="whole",
        default_text="all characters, or 1024 byte pairs",
        panel=TEXT_TASK_PANEL,
        minimum=2,
    )

    def __post_init__(self) -> None:
        require_bounds(self)
        self.check_tokens()

    def check_tokens(self) -> None:
        """Raise UsageError for a size that the kind of tokens cannot have."""
        if self.vocabulary_size is None:
            return
        if self.tokens == "bytes":
            raise UsageError(
                "--vocabulary-size cannot be used with --tokens bytes, which are 256",
                hint="leave out --vocabulary-size",
                flag="--vocabulary-size",
            )
        if self.tokens == "bpe" and self.vocabulary_size <= LEAST_PAIRS:
            raise UsageError(
                f"--vocabulary-size {self.vocabulary_size} is too small for --tokens bpe: it must be above "
                f"{LEAST_PAIRS}, because each byte is a token",
                hint="use --vocabulary-size 1024, or --tokens characters",
                flag="--vocabulary-size",
            )


@dataclass(frozen=True, kw_only=True)
class TextNetwork:
    """Settings of `lstm train` for text."""

    bptt: int | None = setting(
        None,
        "Tokens of truncated backpropagation; the state is carried over to the next ones.",
        "N",
        kind="whole",
        default_text="128",
        panel=TEXT_TASK_PANEL,
        minimum=1,
    )

    def __post_init__(self) -> None:
        require_bounds(self)


@dataclass(frozen=True, kw_only=True)
class GeneratePrepareConfig(PrepareConfig, TextTokens, TaskChoice):
    """Settings of `lstm prepare` in a run of text. The task is stored, because no other setting shows it."""

    def __post_init__(self) -> None:
        PrepareConfig.__post_init__(self)
        self.check_tokens()


@dataclass(frozen=True, kw_only=True)
class GenerateTrainConfig(TrainConfig, TextNetwork):
    """Settings of `lstm train` in a run of text."""
