"""JSON bodies with the values of each sequence, or documents, as a list, under the key of TensorFlow Serving."""

import json
from typing import Any

import numpy as np

from lstm_cli.data.locations import quote_name
from lstm_cli.data.reading.documents import Documents
from lstm_cli.errors import DataError
from lstm_cli.findings import in_file
from lstm_cli.sequences.build import RawSequences
from lstm_cli.serving.model.json_body import BODY
from lstm_cli.serving.model.request import MalformedBody
from lstm_cli.steps.shared.sequences.reading import ReadSequences

INSTANCES = "instances"
FORM = (
    f'send {{"{INSTANCES}": [[[1.0, 2.0], [1.5, 2.5]]]}}: sequences, their steps, and the values of each step'
)


DOCUMENTS_FORM = f'send {{"{INSTANCES}": ["text one", "text two"]}}: one text for each document'


def find_instances(body: bytes) -> Any:
    """Return the value of the key `instances` of a JSON body, or None for a body without this one key."""
    if body.lstrip()[:1] != b"{":
        return None
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None  # the reader of records names the problem
    if not isinstance(value, dict) or list(value) != [INSTANCES]:
        return None
    return value[INSTANCES]


def instances_as_sequences(instances: Any, columns: tuple[str, ...]) -> ReadSequences:
    """Return the sequences of instances. Their ids are their numbers.

    Args:
        instances: value of the key `instances`.
        columns: columns F of the model, in the order of the values of a step.

    Raises:
        MalformedBody: the instances are not lists of numbers.
        DataError: a sequence has no steps, or a step has another number of values.
    """
    if not isinstance(instances, list) or not instances:
        raise MalformedBody(f'"{INSTANCES}" is not a list of sequences', hint=FORM)
    values = [_values(instance, number, columns) for number, instance in enumerate(instances, 1)]
    return ReadSequences(
        raw=RawSequences(
            columns=columns,
            values=values,
            names=tuple(str(number) for number in range(1, len(values) + 1)),
            labels=("",) * len(values),
        ),
        source=BODY,
        rows=sum(map(len, values)),
        findings=(),
    )


def instances_as_documents(instances: Any) -> Documents:
    """Return the documents of instances. Their ids are their numbers.

    Args:
        instances: value of the key `instances`.

    Raises:
        MalformedBody: the instances are not texts.
        DataError: a document is empty.
    """
    if not isinstance(instances, list) or not instances:
        raise MalformedBody(f'"{INSTANCES}" is not a list of documents', hint=DOCUMENTS_FORM)
    for number, instance in enumerate(instances, 1):
        if not isinstance(instance, str):
            raise MalformedBody(
                f"{BODY}, document {number}: {json.dumps(instance)[:40]} is not a text", hint=DOCUMENTS_FORM
            )
        if not instance.strip():
            raise DataError(f"document {number} is empty", hint="leave it out", rule="D257", at=in_file(BODY))
    return Documents(
        texts=[instance.strip() for instance in instances],
        names=[str(number) for number in range(1, len(instances) + 1)],
        labels=[],
        groups=[],
        source=BODY,
    )


def _values(instance: Any, number: int, columns: tuple[str, ...]) -> np.ndarray:
    """Return the values [L, F] of a sequence, NaN for null.

    Args:
        instance: list of steps; a step is a list of values, or a value if there is one column.
        number: number of the sequence, from 1.
        columns: columns of the model.
    """
    if not isinstance(instance, list):
        raise MalformedBody(f"{BODY}, sequence {number}: it is not a list of steps", hint=FORM)
    if not instance:
        raise DataError(
            f"sequence {number} has no steps", hint="send at least one step", rule="D251", at=in_file(BODY)
        )
    steps = [step if isinstance(step, list) else [step] for step in instance]
    for place, step in enumerate(steps, 1):
        wrong = next((cell for cell in step if not _is_number(cell)), None)
        if wrong is not None:
            raise MalformedBody(
                f"{BODY}, sequence {number}, step {place}: {json.dumps(wrong)[:40]} is not a number",
                hint=FORM,
            )
        if len(step) != len(columns):
            names = ", ".join(map(quote_name, columns[:5]))
            raise DataError(
                f"sequence {number}, step {place}: {len(step)} values, but the model reads {len(columns)}",
                hint=f"give the values in the order of the columns: {names}",
                rule="D845",
                at=in_file(BODY),
            )
    return np.array([[np.nan if cell is None else cell for cell in step] for step in steps], dtype=np.float64)


def _is_number(cell: Any) -> bool:
    """Return whether a value is null or a finite number."""
    if cell is None:
        return True
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return False
    try:
        return bool(np.isfinite(float(cell)))
    except OverflowError:  # a whole number beyond all floats
        return False
