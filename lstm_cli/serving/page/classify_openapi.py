"""OpenAPI 3.1 document of a served classifier, from its own columns, classes and limits."""

import json
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
    noun = description.noun
    same = "under the name of MLflow and SageMaker"
    figures = "The figures are those of `lstm predict RUN NEW`"
    paths = {
        CLASSES.path: {
            "post": _post("classify", TAG, f"Classify the {noun}s of the body. {figures}.", limits)
        },
        "/invocations": {
            "post": _post(
                "invocations", NAMES_OF_OTHERS, f"Classify the {noun}s of the body, {same}.", limits
            )
        },
    }
    return assemble_document(
        {
            "title": f"Classify {noun}s: {description.name}",
            "summary": summary(description),
            "description": _about(description, limits),
        },
        paths,
        {
            "schemas": _schemas(description),
            "requestBodies": {"Sequences": _body(description)},
            "examples": {
                name: {"summary": f"{noun.capitalize()}s of the run.", "value": value}
                for name, value in _examples(description).items()
            },
        },
        limits,
        tag=TAG,
    )


def summary(description: ClassifierDescription) -> str:
    """Return what the model classifies, in one sentence."""
    width = len(description.columns)
    if description.of_documents:
        return f"{len(description.classes):,} classes of documents, at most {description.max_length:,} tokens"
    return (
        f"{len(description.classes):,} classes of sequences with {width:,} {'value' if width == 1 else 'values'} "
        f"per step, at most {description.max_length:,} steps"
    )


def _about(description: ClassifierDescription, limits: ServerLimits) -> str:
    per_row = "document" if description.of_documents else "step, in the units of the file of the run"
    noun, step = description.noun, description.step
    listed = "the documents" if description.of_documents else "the values of each sequence"
    table = (
        f"A body is CSV, JSON or Parquet, and has one row for each {per_row}. Columns that "
        f'are not listed are ignored. JSON may also have {listed} as a list under the key "instances".'
        if description.reads_tables
        else 'A body is JSON with the values of each sequence as a list under the key "instances".'
    )
    parts = [
        f"Model version {description.version} of the run {description.name}. It reads the first "
        f"{description.max_length:,} {step}s of a {noun}. A warning counts longer {noun}s.",
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
                "Predictions",
                about="Class and probabilities of each sequence or document.",
                with_parquet=False,
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
        examples["instances"] = {"instances": json.loads(json.dumps(description.example_instances))}
    return examples


def _body(description: ClassifierDescription) -> Json:
    known = _examples(description)

    def examples(*names: str) -> Json:
        return {name: {"$ref": f"#/components/examples/{name}"} for name in names if name in known}

    tables = [reference("Records"), reference("Split")] if description.reads_tables else []
    content: Json = {
        JSON: {
            "schema": {"anyOf": [*tables, reference("Instances")]},
            "examples": examples("records", "split", "instances"),
        }
    }
    if description.reads_tables:
        content |= {CSV: {"schema": {"type": "string"}, "examples": examples("csv")}, PARQUET: {}}
    return {
        "description": f"{description.noun.capitalize()}s. `Content-Encoding` may be gzip or deflate.",
        "required": True,
        "content": content,
    }


def _schemas(description: ClassifierDescription) -> Json:
    """Return the schemas of bodies and answers."""
    schemas = {
        "Instances": _instances_schema(description),
        "ClassifiedSequence": {
            "type": "object",
            "required": ["sequence", "predicted", "probabilities"],
            "properties": {
                "sequence": {"type": "string", "description": f"Id of the {description.noun}."},
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
    if description.reads_tables:
        row = "Document" if description.of_documents else "Step"
        ids = [] if description.sequence is None else [description.sequence]
        schemas |= {
            row: _document_schema(description) if description.of_documents else _step_schema(description),
            "Records": {
                "type": "array",
                "minItems": 1,
                "items": reference(row),
                "description": f'{row}s as a list of objects, as pandas\' `orient="records"`.',
            },
            "Split": split_schema([*ids, *description.time, *description.columns]),
        }
    return schemas


def _instances_schema(description: ClassifierDescription) -> Json:
    """Return the schema of a body with the key `instances`."""
    item: Json = {"type": "string", "minLength": 1}
    if not description.of_documents:
        item = {"type": "array", "minItems": 1, "items": _values_schema(description)}
    listed = "The documents" if description.of_documents else "The steps of each sequence"
    return {
        "type": "object",
        "description": f"{listed}. The answer has the numbers of the {description.noun}s as ids.",
        "required": ["instances"],
        "properties": {"instances": {"type": "array", "minItems": 1, "items": item}},
        "additionalProperties": False,
    }


def _values_schema(description: ClassifierDescription) -> Json:
    """Return the schema of the values of a step."""
    number = {"type": ["number", "null"]}
    step: Json = {
        "type": "array",
        "items": number,
        "minItems": len(description.columns),
        "maxItems": len(description.columns),
        "description": f"Values in the order {', '.join(description.columns)}. null is a missing value.",
    }
    return {"anyOf": [step, number]} if len(description.columns) == 1 else step


def _document_schema(description: ClassifierDescription) -> Json:
    """Return the schema of a row with a document."""
    ids = {} if description.sequence is None else {description.sequence: "Id of the document."}
    texts = dict.fromkeys(description.columns, "Text of the document.")
    properties = {name: {"type": CELL, "description": text} for name, text in (ids | texts).items()}
    return {
        "type": "object",
        "description": "One document. Other columns are ignored.",
        "properties": properties,
        "required": list(properties),
    }


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
