"""Tests of JSON bodies: what is a table, and what a malformed body is and where."""

import json

import pytest

from lstm_cli.serving.model.json_body import read_json, read_plain_records
from lstm_cli.serving.model.request import MalformedBody


def test_records_become_columns_in_order_of_appearance():
    body = b'[{"b": 1, "a": "x"}, {"a": null, "c": true}]'
    assert read_json(body) == {"b": [1, None], "a": ["x", None], "c": [None, True]}
    assert list(read_json(body)) == ["b", "a", "c"]


def test_a_byte_order_mark_is_read():
    assert read_json(b'\xef\xbb\xbf[{"a": 1}]') == {"a": [1]}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "not JSON"),
        (b"time,load\n", "not JSON"),
        (b'[{"a": 1},]', "line 1, column 11"),
        (b'[\n{"a": 01}]', "line 2"),
        (b'[{"a": NaN}]', "NaN is not a number of JSON"),
        (b'[{"a": -Infinity}]', "-Infinity is not a number of JSON"),
        (b'\xff\xfe[{"a": 1}]', "not UTF-8: byte 1"),
        (b"[" * 100_000, "nested too deeply"),
        (b'[{"a": ' + b"9" * 5_000 + b"}]", "too many digits"),
        (b"null", "the body is null, not a table"),
        (b'"text"', "the body is text, not a table"),
        (b"1", "the body is a number, not a table"),
        (b'[{"a": 1}, 2]', "record 2: it is a number, not an object"),
        (b'[{"a": 1}, {"a": [1]}]', "record 2, column 'a': the value is an array"),
        (b'[{"a": {}}]', "record 1, column 'a': the value is an object"),
        (b'[{"a": 1, "a": 2}]', "has the key 'a' twice"),
        (b'[{"a" :1,"a":2}]', "has the key 'a' twice"),
        (b'[{"a"\n:1,"a":2}]', "has the key 'a' twice"),
        (b'[{"\\u0061":1,"a":2}]', "has the key 'a' twice"),
        (b'{"columns": ["a"]}', "with the keys 'columns', not a table"),
        (b'{"columns": ["a"], "data": [[1]], "params": {}}', "'params'"),
        (b'{"instances": [[1]]}', "with the keys 'instances'"),
        (b'{"columns": ["a", "a"], "data": []}', "the name 'a' twice"),
        (b'{"columns": [1], "data": []}', "not a list of names"),
        (b'{"columns": ["a"], "data": {}}', '"data" is an object'),
        (b'{"columns": ["a"], "data": [[1], [1, 2]]}', "record 2: 2 values in place of the 1 values"),
        (b'{"columns": ["a"], "data": [1]}', "record 1: a number in place"),
        (b'{"dataframe_split": []}', "the body is an array, not a table"),
        (b'{"dataframe_records": {}}', "the body is an object, not a table"),
    ],
)
def test_a_malformed_body_says_what_and_where(body, text):
    with pytest.raises(MalformedBody) as raised:
        read_json(body)
    assert text in raised.value.message
    assert raised.value.hint


def test_text_with_the_marks_of_a_key_is_no_key():
    records = [{"a": 'x":1', "b": '"a" :'}, {"a": "\n:", "b": 'a": "b":'}]
    assert read_json(json.dumps(records).encode()) == {
        "a": ['x":1', "\n:"],
        "b": ['"a" :', 'a": "b":'],
    }


@pytest.mark.parametrize(
    "body",
    [
        b'[{"t": "a", "n": 1}, {"t": "b", "n": 2.5}]',
        b'[{"n": -0.0, "\\u0074": "a"}, {"t": "b", "n": 123456789012345678901234567890}]',
        '[{"t": "\u00e9\\ud83d\\ude00", "n": 1e3}]'.encode(),
        b'[{"t": "a", "n": null}, {"t": "b", "n": 1e-7}]',
    ],
)
def test_plain_records_have_the_values_of_the_usual_way(body):
    found, usual = read_plain_records(body, ("t", "n")), read_json(body)
    assert found is not None
    assert found["t"] == usual["t"]
    # A whole number of more than 64 bits is a float there. Cells become floats anyway.
    assert [None if value is None else float(value) for value in found["n"]] == [
        None if value is None else float(value) for value in usual["n"]
    ]


@pytest.mark.parametrize(
    "body",
    [
        b'[{"t": "a", "n": NaN}]',
        b'[{"t": "a", "n": Infinity}]',
        b'[{"t": "a", "n": 1e-400}]',  # too small for a float
        b'[{"t": "a", "n": 1E-400}, {"t": "b", "n": 2}]',
        b'[{"t": "a", "n": 1, "n": 2}]',
        b'[{"t": "a", "n": 1, "\\u006e": 2}]',
        b'[{"t": "a", "n": 1, "more": 2}]',
        b'[{"t": "a", "n": "1"}]',
        b'[{"t": "\\"", "n": 1}]',
        b'[{"t": "a"}, {"t": "b", "n": 2}]',
        b'[{"t": "a", "n": 1}',
        b'[{"t": "\xff", "n": 1}]',
        b'[{"t": "\\ud800", "n": 1}]',
        b'\xef\xbb\xbf[{"t": "a", "n": 1}]',
        b'{"t": "a", "n": 1}',
        b'[1, "t", null, ["t", "n"]]',
        b'["tn"]',
        b"[" * 5_000 + b"]" * 5_000,
        b"",
    ],
)
def test_other_bodies_are_not_plain_records(body):
    assert read_plain_records(body, ("t", "n")) is None
