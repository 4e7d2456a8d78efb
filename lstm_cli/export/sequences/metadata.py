"""Metadata of an exported classifier: inputs, outputs, classes, scaling and length."""

from collections.abc import Mapping
from typing import Any

from lstm_cli.export.formats import Format
from lstm_cli.export.metadata import MISSING_TEXTS
from lstm_cli.inference.sequence_session import INPUTS, PROBABILITIES, SIMPLE
from lstm_cli.sequences.dataset import SequenceScaler, SequenceSchema


def classifier_tensors(format: Format, schema: SequenceSchema) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the inputs, in the order of their positions, and the outputs of an exported classifier.

    Args:
        format: export format.
        schema: columns and classes.
    """
    values, lengths = INPUTS
    shape = ["batch", "steps" if format.holds_parts else schema.max_length, len(schema.columns)]
    tokens = "the ids of the tokens, the first one first, and zeros after the last one"
    scaled = "the steps, the first one first, and zeros after the last one; scaled"
    inputs = {
        values: _tensor(shape, tokens, columns=list(schema.columns)) | {"dtype": "int64"}
        if schema.tokens
        else _tensor(shape, scaled, columns=list(schema.columns)),
        lengths: _tensor(["batch", 1], "number of steps, without the zeros after them"),
    }
    shape = ["batch", len(schema.classes)]
    outputs = {PROBABILITIES: _tensor(shape, "probability of each class", classes=list(schema.classes))}
    if format.holds_parts:
        outputs[SIMPLE] = _tensor(
            shape,
            "probabilities of the simple model, which is part of the model",
            classes=list(schema.classes),
        )
    return inputs, outputs


def sequence_facts(
    schema: SequenceSchema, scaler: SequenceScaler, vocabulary: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return columns, classes, length and scaling or vocabulary, which are the same for all formats.

    Args:
        schema: columns and classes.
        scaler: scaler of the values.
        vocabulary: JSON object of the vocabulary of documents; None for value columns.
    """
    facts: dict[str, Any] = {
        "classes": list(schema.classes),
        "predicted": "the class with the largest probability, the first one of several",
        "columns": list(schema.columns),
        "sequence": schema.sequence,
        "time": list(schema.time),
        "max_length": schema.max_length,
        "longer": "only the first max_length steps of a longer sequence are read",
    }
    if vocabulary is not None:
        return facts | {
            "tokens": schema.token_kind,
            "vocabulary_size": schema.tokens,
            "vocabulary": vocabulary,
        }
    return facts | {
        "units": "values are in the units of the columns of the file",
        "scaling": {
            "scaler": scaler.kind,
            "scaled": "scaled = (value - center) / scale",
            "center": dict(zip(schema.columns, scaler.center.tolist(), strict=True)),
            "scale": dict(zip(schema.columns, scaler.scale.tolist(), strict=True)),
        },
        "missing": {
            "method": schema.missing,
            "filled_with": MISSING_TEXTS[schema.missing],
            "before_the_first": "the first measured value of the sequence",
            "without_any": "0 in scaled units",
        },
    }


def _tensor(shape: list[Any], meaning: str, **more: list[str]) -> dict[str, Any]:
    return {"shape": shape, "dtype": "float32", "meaning": meaning} | more
