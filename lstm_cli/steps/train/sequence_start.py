"""Warm start of a classifier: another run's network whose weights are the start of a training."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_cli.config.classify import ClassifyTrainConfig
from lstm_cli.config.search_space import value_text
from lstm_cli.errors import ArtifactError, UsageError
from lstm_cli.findings import MODEL, Finding
from lstm_cli.rundir import ArtifactReader, Run, command
from lstm_cli.sequences.dataset import SequenceData, SequenceScaler, SequenceSchema
from lstm_cli.sequences.store import VOCABULARY, load_data, load_description
from lstm_cli.steps.train.warm_start import SHIPPED, Start, is_same_folder, require_free_weights
from lstm_cli.text.vocabulary import Vocabulary, load_vocabulary
from lstm_cli.wording import count_noun

if TYPE_CHECKING:
    from lstm_cli.training.setup.start_weights import StartWeights, TakenWeights

HEAD, EMBEDDING = "head", "embedding"  # layers with a row for each class, and for each token
TOLERANCE = 1e-4  # of equal values, whose scaled form is stored as 32-bit floats


@dataclass(frozen=True, kw_only=True)
class SequenceStart(Start):
    """Classifier at which a training starts."""

    schema: SequenceSchema
    scaler: SequenceScaler
    settings: dict[str, Any]  # arguments of its network
    vocabulary: Vocabulary | None  # of documents
    new_vocabulary: Vocabulary | None  # of the documents of the new model

    def load(self) -> "StartWeights":
        """Return the weights for a training. Raise CorruptArtifact if their file is corrupt."""
        from safetensors.torch import load

        from lstm_cli.models.sequence_classifier import SequenceClassifier
        from lstm_cli.training.setup.start_weights import StartWeights

        reader, file = self.source.artifact("model"), "weights.safetensors"
        data = reader.bytes(file)
        with reader.parsing(file):
            network = SequenceClassifier(**{**self.settings, "hidden": tuple(self.settings["hidden"])})
            return StartWeights("classifier", self.settings, load(data), model=network)

    def left_out(self, schema: SequenceSchema) -> dict[str, str]:
        """Return the layers that mean something else in a network for other classes, with the reason."""
        left = {} if self.schema.classes == schema.classes else {HEAD: "other classes"}
        return left if self._same_vocabulary else {**left, EMBEDDING: "other vocabulary"}

    @property
    def _same_vocabulary(self) -> bool:
        """Return whether equal tokens have equal texts; values have no vocabulary."""
        if self.vocabulary is None or self.new_vocabulary is None:
            return True
        return self.vocabulary.to_json() == self.new_vocabulary.to_json()

    def leakage(self, data: SequenceData) -> Finding | None:
        """Return a warning if training sequences of the start validate or test the new model."""
        if self.own or not self.source.has("data"):
            return None
        theirs = load_data(self.source)
        learnt = {theirs.names[index]: index for index in theirs.indices("train")}
        later = np.concatenate([data.indices("val"), data.indices("test")])
        known = [index for index in later if data.names[index] in learnt]
        same = sum(self._equal(data, index, theirs, learnt[data.names[index]]) for index in known)
        if not same:
            return None
        text = (
            f"the model of {self.path} has learnt {count_noun(same, 'sequence')} of the validation and test sets, so "
            "their scores are too good (leave out --from)"
        )
        return Finding(rule="M213", kind=MODEL, text=text, count=same, flags=("--from",))

    def _equal(self, data: SequenceData, index: int, other: SequenceData, number: int) -> bool:
        """Return whether two sequences have equal values in the units of their files, or equal texts.

        Args:
            data: sequences of the new model.
            index: one of them.
            other: sequences of the start, with the same columns.
            number: one of these.
        """
        if self.vocabulary is not None and self.new_vocabulary is not None:
            text = self.new_vocabulary.decode(_tokens(data, index))
            learnt = self.vocabulary.decode(_tokens(other, number))
            return text.startswith(learnt) or learnt.startswith(
                text
            )  # the runs may cut them at other lengths
        values, others = (_in_units(each, place) for each, place in ((data, index), (other, number)))
        steps = min(len(values), len(others))  # the runs may cut them at other lengths
        return bool(np.allclose(values[:steps], others[:steps], rtol=TOLERANCE, atol=TOLERANCE))

    def facts(self, taken: "TakenWeights", data: SequenceData) -> dict[str, Any]:
        """Return the facts for the report.

        Args:
            taken: layers that the new network took.
            data: sequences of the new model.
        """
        return {
            "run": self.path,
            "own": self.own,
            "version": self.version,
            "digest": self.digest,
            "weights": SHIPPED,
            "parts": [{"part": taken.part, "taken": list(taken.taken), "left": dict(taken.left)}],
            "other_scaling": self.scaler.kind != data.scaler.kind,
        }


def check_sequence_start(source: Run, run: Run, config: ClassifyTrainConfig) -> SequenceStart:
    """Return the start of a training after a check that its weights can be taken.

    Args:
        source: run of the start.
        run: run to train.
        config: settings of the training.

    Raises:
        MissingArtifact, CorruptArtifact: the source has no model, or a corrupt one.
        UsageError: a setting of the training excludes the start.
        ArtifactError: the model has other columns.
    """
    require_free_weights(config)
    reader = source.artifact("model")
    schema, scaler = load_description(reader)
    stored = reader.json("model.json")
    with reader.parsing("model.json"):
        settings = dict(stored["settings"])
        hidden = [int(size) for size in settings["hidden"]]
    if hidden[0] != config.sizes[0]:  # no LSTM layer fits
        raise UsageError(
            f"--from {source.path}: its LSTM has --hidden {value_text(hidden)}, and that of this training "
            f"{value_text(list(config.sizes))}",
            hint=f"add --hidden {value_text(hidden)}",
            flag="--from",
        )
    own, _ = load_description(run.artifact("data"))
    if schema.columns != own.columns:
        raise ArtifactError(
            f"the model of {source.path} has other columns than {run.path}: {', '.join(schema.columns)} instead of "
            f"{', '.join(own.columns)}",
            hint=f"prepare one of the runs again with the columns of the other: '{command('prepare', run.path)}'",
        )
    own_run = is_same_folder(source.path, run.path)
    if bool(schema.tokens) != bool(own.tokens):
        raise ArtifactError(
            f"the model of {source.path} reads {_content(schema)}, and {run.path} has {_content(own)}",
            hint="choose a run of the same kind",
        )
    old, new = (_vocabulary(each, schema) for each in (reader, run.artifact("data")))
    return SequenceStart(
        source=source,
        own=own_run,
        schema=schema,
        scaler=scaler,
        settings=settings,
        vocabulary=old,
        new_vocabulary=new,
    )


def _content(schema: SequenceSchema) -> str:
    return "documents" if schema.tokens else "values"


def _vocabulary(reader: ArtifactReader, schema: SequenceSchema) -> Vocabulary | None:
    """Return the vocabulary of documents; None for values."""
    if not schema.tokens:
        return None
    stored = reader.json(VOCABULARY)
    with reader.parsing(VOCABULARY):
        return load_vocabulary(stored)


def _tokens(data: SequenceData, index: int) -> np.ndarray:
    """Return the tokens [L] of a document."""
    begin = int(data.offsets[index])
    tokens: np.ndarray = data.values[begin : begin + int(data.lengths[index]), 0]
    return tokens


def _in_units(data: SequenceData, index: int) -> np.ndarray:
    begin = int(data.offsets[index])
    scaled = data.values[begin : begin + int(data.lengths[index])]
    return scaled * data.scaler.scale + data.scaler.center
