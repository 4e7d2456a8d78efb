"""Settings of labelled sequences: the task, the columns of `prepare`, and the network of `train`.

They are options next to those of the verb. A run of this task stores both together.
"""

from dataclasses import dataclass, fields
from typing import Any, TypeVar

from lstm_cli.config.generate import TextTokens
from lstm_cli.config.layers import flag_name
from lstm_cli.config.prepare import COLUMN, PrepareConfig, TaskChoice
from lstm_cli.config.setting import require_bounds, setting
from lstm_cli.config.train import TrainConfig
from lstm_cli.errors import UsageError

Config = TypeVar("Config")
SEQUENCES_PANEL = "Labelled sequences"
OF_VALUES = frozenset(("value", "time", "scaler", "missing"))  # settings that documents do not have
OF_DOCUMENTS = frozenset(("tokens", "vocabulary_size"))


@dataclass(frozen=True, kw_only=True)
class SequenceColumns(TaskChoice):
    """Settings of `lstm prepare` for labelled sequences, and the task."""

    sequence: str | None = setting(
        None,
        "Column with the id of each sequence; the file has one row per step, or per document.",
        COLUMN,
        default_text="none",
        panel=SEQUENCES_PANEL,
    )
    text: str | None = setting(
        None,
        "Column with the text of each document; the file has one row per document.",
        COLUMN,
        default_text="none",
        panel=SEQUENCES_PANEL,
    )
    label: str | None = setting(
        None,
        "Column with the label, constant within a sequence.",
        COLUMN,
        default_text="none",
        panel=SEQUENCES_PANEL,
    )
    value: tuple[str, ...] = setting(
        (),
        "Value column (repeatable).",
        COLUMN,
        default_text="all numeric columns",
        panel=SEQUENCES_PANEL,
    )
    group: str | None = setting(
        None,
        "Column whose values stay in one split, such as a person.",
        COLUMN,
        default_text="splits by class",
        panel=SEQUENCES_PANEL,
    )
    max_length: int | None = setting(
        None,
        "Steps or tokens of a sequence that are read; later ones are cut.",
        "N|auto",
        kind="whole or auto",
        default_text="auto: the 99th percentile",
        panel=SEQUENCES_PANEL,
        minimum=1,
    )

    def __post_init__(self) -> None:
        require_bounds(self)
        self.check_columns()

    def check_columns(self) -> None:
        """Raise UsageError for a column with two roles."""
        roles: dict[str, str] = {}
        named = [
            ("--sequence", self.sequence),
            ("--text", self.text),
            ("--label", self.label),
            ("--group", self.group),
        ]
        for flag, name in (*named, *(("--value", name) for name in self.value)):
            if name is not None and name in roles:
                raise UsageError(
                    f"column '{name}' is given to {roles[name]} and to {flag}",
                    hint="name each column once",
                    flag=flag,
                )
            if name is not None:
                roles[name] = flag


@dataclass(frozen=True, kw_only=True)
class SequenceNetwork:
    """Settings of `lstm train` for labelled sequences."""

    pooling: str = setting(
        "concat",
        "State of a sequence: last, mean or largest output, the three together (concat), or attention.",
        choices=("last", "mean", "max", "concat", "attention"),
        panel=SEQUENCES_PANEL,
    )
    class_weights: str = setting(
        "none",
        "Weights of the classes in the loss; balanced: the same total weight for each class.",
        choices=("none", "balanced"),
        panel=SEQUENCES_PANEL,
    )

    def __post_init__(self) -> None:
        require_bounds(self)


@dataclass(frozen=True, kw_only=True)
class ClassifyPrepareConfig(PrepareConfig, SequenceColumns, TextTokens):
    """Settings of `lstm prepare` in a run of labelled sequences."""

    def __post_init__(self) -> None:
        PrepareConfig.__post_init__(self)
        self.check_columns()
        self.check_tokens()
        self.check_documents()

    def check_documents(self) -> None:
        """Raise UsageError for a setting of value columns next to --text, or one of documents without it."""
        foreign = OF_DOCUMENTS if self.text is None else OF_VALUES
        for item in fields(self):
            if item.name in foreign and getattr(self, item.name) != item.default:
                flag = flag_name(item.name)
                reason = (
                    "needs --text"
                    if self.text is None
                    else "belongs to value columns, but --text has documents"
                )
                hint = "add --text COLUMN" if self.text is None else f"leave out {flag}"
                raise UsageError(f"{flag} {reason}", hint=hint, flag=flag)


@dataclass(frozen=True, kw_only=True)
class ClassifyTrainConfig(TrainConfig, SequenceNetwork):
    """Settings of `lstm train` in a run of labelled sequences."""


def join_settings(kind: type[Config], *parts: Any) -> Config:
    """Return the settings of several objects as one.

    Args:
        kind: class of the result.
        *parts: objects with the fields of the class.
    """
    values = {field.name: getattr(part, field.name) for part in parts for field in fields(part)}
    return kind(**{field.name: values[field.name] for field in fields(kind)})  # type: ignore[arg-type]
