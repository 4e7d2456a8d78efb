"""JSON bodies: records, pandas' split, and the same under the names of MLflow."""

import json
import re
from collections.abc import Sequence
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NoReturn

from lstm_cli.data.locations import quote_name
from lstm_cli.serving.model.request import MalformedBody

if TYPE_CHECKING:
    from lstm_cli.data.reading.source import Cell

BODY = "the body"  # name of a body in messages
SPLIT, RECORDS = "dataframe_split", "dataframe_records"  # keys of MLflow
_FORMS = f'send a list of records, {{"columns": [...], "data": [...]}}, or one of both under "{RECORDS}" or "{SPLIT}"'
_TINY = re.compile("[eE]-")  # of a number that may be too small for a float
_KINDS = {
    dict: "an object",
    list: "an array",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
}


def read_json(body: bytes) -> "dict[str, list[Cell]]":
    """Return the values of each column of a JSON body. A column that a record lacks is missing in it.

    Raises:
        MalformedBody: the body is not JSON, has no table in one of the forms, a value is an object, an array or not
            finite, or an object has a key twice.
    """
    return columns_of(_parse(body))


def read_plain_records(body: bytes, names: Sequence[str]) -> "dict[str, list[Cell]] | None":
    """Return the values of each column of records, if they have exactly these columns and only the first is text.

    It gives the same values as `read_json`, and None for each body that `read_json` may refuse or read differently.

    Args:
        body: JSON body.
        names: names of the columns.
    """
    import orjson  # lazy: the start of a server

    if not body.startswith(b"["):
        return None
    try:
        records = orjson.loads(body)
        columns = {name: list(map(itemgetter(name), records)) for name in names}
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    # Another column, a key twice, an escaped quote or another text are quotes that such records do not have.
    if body.count(b'"') != 2 * (len(names) + 1) * len(records):
        return None
    is_tiny = any(0 in columns[name] for name in names[1:]) and _TINY.search(body.decode()) is not None
    return None if is_tiny else columns


def _parse(body: bytes) -> Any:
    """Return the value of a JSON body. Raise MalformedBody if it is not JSON, or an object has a key twice."""
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_refuse_constant)
        cells = _record_cells(value)
        # A key twice, an escaped quote or a text within an array are quotes that the cells do not have.
        quotes = 2 * (len(cells) + list(map(type, cells)).count(str))
        is_tiny = (not cells or 0 in cells) and _TINY.search(text) is not None
        if is_tiny or not cells or text.count('"') != quotes:
            return json.loads(
                text,
                parse_constant=_refuse_constant,
                parse_float=_float_or_text if is_tiny else None,
                object_pairs_hook=_unique_keys,
            )
        return value
    except UnicodeDecodeError as error:
        message = f"the body is not UTF-8: byte {error.start + 1} is invalid"
        raise MalformedBody(message, hint="send the JSON as UTF-8") from None
    except json.JSONDecodeError as error:
        raise MalformedBody(
            f"the body is not JSON: {error.msg}, at line {error.lineno}, column {error.colno}", hint=_FORMS
        ) from None
    except (RecursionError, ValueError):  # a number with thousands of digits
        raise MalformedBody(
            "the body is not a table: it is nested too deeply, or a number has too many digits", hint=_FORMS
        ) from None


def _float_or_text(text: str) -> float | str:
    """Return a number, or the text of one that is too small for a float, which the reader of files refuses."""
    number = float(text)
    return text if number == 0 and text.lower().partition("e")[0].strip("-0.") else number


def _record_cells(value: Any) -> list[Any]:
    """Return the values of all objects in a list; [] for another value."""
    if isinstance(value, list) and set(map(type, value)) == {dict}:
        return list(chain.from_iterable(map(dict.values, value)))
    return []


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedBody(
        f"the body is not JSON: {name} is not a number of JSON", hint="write null for a missing value"
    )


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise MalformedBody(
            f"an object of the body has the key {quote_name(twice)} twice", hint="name each column once"
        )
    return table


def columns_of(value: Any) -> "dict[str, list[Cell]]":
    """Return the values of each column of a parsed body. Raise MalformedBody if it is not a table."""
    if isinstance(value, dict) and len(value) == 1:
        (key, inner), *_ = value.items()
        if key == SPLIT:
            return _split_columns(inner)
        if key == RECORDS:
            return _record_columns(inner)
    if isinstance(value, dict):
        return _split_columns(value)
    return _record_columns(value)


def _record_columns(records: Any) -> "dict[str, list[Cell]]":
    if not isinstance(records, list):
        raise MalformedBody(f"the body is {_kind(records)}, not a table", hint=_FORMS)
    if set(map(type, records)) != {dict}:
        for number, record in enumerate(records):
            if not isinstance(record, dict):
                raise MalformedBody(
                    f"the body, record {number + 1}: it is {_kind(record)}, not an object", hint=_FORMS
                )
    names = dict.fromkeys(chain.from_iterable(records))
    columns: dict[str, list[Cell]] = {}
    for name in names:
        try:
            columns[name] = list(map(itemgetter(name), records))
        except KeyError:
            columns[name] = [record.get(name) for record in records]
    for name, values in columns.items():
        _require_cells(name, values)
    return columns


def _split_columns(table: Any) -> "dict[str, list[Cell]]":
    if not isinstance(table, dict) or not {"columns", "data"} <= table.keys() <= {"columns", "data", "index"}:
        keys = (
            f" with the keys {', '.join(map(quote_name, list(table)[:5]))}" if isinstance(table, dict) else ""
        )
        raise MalformedBody(f"the body is {_kind(table)}{keys}, not a table", hint=_FORMS)
    names, rows = table["columns"], table["data"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise MalformedBody('"columns" is not a list of names', hint=_FORMS)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise MalformedBody(f'"columns" has the name {quote_name(twice)} twice', hint="name each column once")
    if not isinstance(rows, list):
        raise MalformedBody(f'"data" is {_kind(rows)}, not a list of rows', hint=_FORMS)
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            found = f"{len(row)} values" if isinstance(row, list) else _kind(row)
            raise MalformedBody(
                f'the body, record {number + 1}: {found} in place of the {len(names)} values of "columns"',
                hint=_FORMS,
            )
    columns: dict[str, list[Cell]] = {name: [row[index] for row in rows] for index, name in enumerate(names)}
    for name, values in columns.items():
        _require_cells(name, values)
    return columns


def _require_cells(name: str, values: Sequence[Any]) -> None:
    """Raise MalformedBody for a value that is an object or an array."""
    if {dict, list}.isdisjoint(map(type, values)):
        return
    number = next(number for number, value in enumerate(values) if isinstance(value, dict | list))
    raise MalformedBody(
        f"the body, record {number + 1}, column {quote_name(name)}: the value is {_kind(values[number])}",
        hint="send a number, text, or null for a missing value",
    )


def _kind(value: Any) -> str:
    return "null" if value is None else _KINDS[type(value)]
