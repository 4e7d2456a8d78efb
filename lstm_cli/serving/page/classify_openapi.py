"""OpenAPI 3.1 document of a served classifier, from its own columns, classes and limits."""

from typing import Any

from lstm_cli.serving.model.media_types import CSV, JSON, PARQUET
from lstm_cli.serving.page.examples import as_split
from lstm_cli.serving.page.limits import ServerLimits, size_text
from lstm_cli.serving.page.openapi import NAMES_OF_OTHERS, assemble_document
from lstm_cli.serving.page.responses import answer, errors
from lstm_cli.serving.page.schemas import CELL, Json, answer_schema, common_schemas, reference, split_schema
from lstm_cli.serving.sequences.description import ClassifierDescription
from lstm_cli.serving.service import CLASSES

TAG = "Classes"


def classify_document(description: ClassifierDescription, limits: ServerLimits) -> dict[str, Any]:
    """Return the document of a server, as JSON values.

    Args:
        description: the served classifier.
        limits: limits of the server.
    """
    same = "under the name of MLflow and SageMaker"
    figures = "The figures are those of `lstm predict RUN NEW`"
    paths = {
        CLASSES.path: {
            "post": _post("classify", TAG, f"Classify the sequences of the body. {figures}.", limits)
        },
        "/invocations": {
            "post": _post(
                "invocations", NAMES_OF_OTHERS, f"Classify the sequences of the body, {same}.", limits
            )
        },
    }
    return assemble_document(
        {
            "title": f"Classify sequences: {description.name}",
            "summary": summary(description),
            "description": _about(description, limits),
        },
        paths,
        {
            "schemas": _schemas(description),
            "requestBodies": {"Sequences": _body(description)},
            "examples": {
                name: {"summary": "Sequences of the run.", "value": value}
                for name, value in _examples(description).items()
            },
        },
        limits,
        tag=TAG,
    )


def summary(description: ClassifierDescription) -> str:
    """Return what the model classifies, in one sentence."""
    width = len(description.columns)
    return (
        f"{len(description.classes):,} classes of sequences with {width:,} {'value' if width == 1 else 'values'} "
        f"per step, at most {description.max_length:,} steps"
    )


def _about(description: ClassifierDescription, limits: ServerLimits) -> str:
    table = (
        "A body has one row for each step, as CSV, JSON or Parquet, in the units of the file of the run. Columns that "
        "are not listed are ignored. JSON may also have the values of each sequence as a list under the key "
        '"instances".'
        if description.sequence is not None
        else 'A body is JSON with the values of each sequence as a list under the key "instances".'
    )
    parts = [
        f"Model version {description.version} of the run {description.name}. It reads the first "
        f"{description.max_length:,} steps of a sequence. A warning counts longer sequences.",
        table,
        f"A body has at most {size_text(limits.max_body)}, also after decompression. "
        f"A request ends after {limits.timeout:g} s at the latest.",
    ]
    return "\n\n".join(parts)


def _post(name: str, tag: str, text: str, limits: ServerLimits) -> Json:
    return {
        "operationId": name,
        "tags": [tag],
        "summary": text,
        "requestBody": {"$ref": "#/components/requestBodies/Sequences"},
        "responses": {
            "200": answer(
                "Predictions", about="Class and probabilities of each sequence.", with_parquet=False
            ),
            **errors(400, 406, 408, 413, 415, 422, 503, 504, needs_token=limits.needs_token),
        },
    }


def _examples(description: ClassifierDescription) -> Json:
    """Return bodies with sequences of the run by name; none without data."""
    examples: Json = {}
    if description.example_csv:
        examples["csv"] = description.example_csv
        examples["records"] = list(description.example_records)
        examples["split"] = as_split(examples["records"])
    if description.example_instances:
        steps = [[list(step) for step in sequence] for sequence in description.example_instances]
        examples["instances"] = {"instances": steps}
    return examples


def _body(description: ClassifierDescription) -> Json:
    known = _examples(description)

    def examples(*names: str) -> Json:
        return {name: {"$ref": f"#/components/examples/{name}"} for name in names if name in known}

    tables = [reference("Records"), reference("Split")] if description.sequence is not None else []
    content: Json = {
        JSON: {
            "schema": {"anyOf": [*tables, reference("Instances")]},
            "examples": examples("records", "split", "instances"),
        }
    }
    if description.sequence is not None:
        content |= {CSV: {"schema": {"type": "string"}, "examples": examples("csv")}, PARQUET: {}}
    return {
        "description": "Sequences. `Content-Encoding` may be gzip or deflate.",
        "required": True,
        "content": content,
    }


def _schemas(description: ClassifierDescription) -> Json:
    """Return the schemas of bodies and answers."""
    number = {"type": ["number", "null"]}
    step: Json = {
        "type": "array",
        "items": number,
        "minItems": len(description.columns),
        "maxItems": len(description.columns),
        "description": f"Values in the order {', '.join(description.columns)}. null is a missing value.",
    }
    steps: Json = {"anyOf": [step, number]} if len(description.columns) == 1 else step
    schemas = {
        "Instances": {
            "type": "object",
            "description": "The steps of each sequence. The answer has the numbers of the sequences as ids.",
            "required": ["instances"],
            "properties": {
                "instances": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": "array", "minItems": 1, "items": steps},
                }
            },
            "additionalProperties": False,
        },
        "ClassifiedSequence": {
            "type": "object",
            "required": ["sequence", "predicted", "probabilities"],
            "properties": {
                "sequence": {"type": "string", "description": "Id of the sequence."},
                "predicted": {"type": "string", "enum": list(description.classes)},
                "probabilities": {
                    "type": "object",
                    "properties": {
                        name: {"type": "number", "minimum": 0, "maximum": 1} for name in description.classes
                    },
                    "required": list(description.classes),
                },
            },
        },
        "Predictions": answer_schema(CLASSES.key, "ClassifiedSequence", description.version),
        **common_schemas(),
    }
    if description.sequence is not None:
        schemas |= {
            "Step": _step_schema(description),
            "Records": {
                "type": "array",
                "minItems": 1,
                "items": reference("Step"),
                "description": 'Steps as a list of objects, as pandas\' `orient="records"`.',
            },
            "Split": split_schema([description.sequence, *description.time, *description.columns]),
        }
    return schemas


def _step_schema(description: ClassifierDescription) -> Json:
    assert description.sequence is not None
    return {
        "type": "object",
        "description": "One step of a sequence. Other columns are ignored. null is a missing value.",
        "properties": {
            description.sequence: {"type": CELL, "description": "Id of the sequence."},
            **{
                name: {"type": CELL, "description": "Time, which orders the steps."}
                for name in description.time
            },
            **{name: {"type": ["number", "string", "null"]} for name in description.columns},
        },
        "required": [description.sequence, *description.time, *description.columns],
    }
