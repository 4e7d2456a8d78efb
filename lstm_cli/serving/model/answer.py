"""Answer to a request."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from lstm_cli.data.forecast.output import Forecast, encode_forecast
from lstm_cli.findings import Finding, findings_to_dicts
from lstm_cli.serving.model.media_types import CSV, JSON, PARQUET

FORMATS = {CSV: "csv", JSON: "json", PARQUET: "parquet"}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Encoded forecast. A JSON body has the warnings too."""

    body: bytes
    media_type: str  # one of MEDIA_TYPES
    warnings: tuple[Finding, ...]  # of the reader and the forecast; no text has a path of the machine


def encode_answer(
    forecast: Forecast, media_type: str, *, version: str, warnings: Sequence[Finding], key: str
) -> Answer:
    """Return the encoded forecast: the bytes of `lstm predict`, and around those of JSON an object.

    Args:
        forecast: forecast of the request.
        media_type: one of MEDIA_TYPES.
        version: version of the model.
        warnings: warnings of the request.
        key: key of the records in a JSON body.
    """
    body = encode_forecast(forecast, FORMATS[media_type])
    return answer_of(body, media_type, version=version, warnings=warnings, key=key)


def answer_of(body: bytes, media_type: str, *, version: str, warnings: Sequence[Finding], key: str) -> Answer:
    """Return the answer with a body of `lstm predict`, and around that of JSON an object.

    Args:
        body: bytes of `lstm predict`.
        media_type: one of MEDIA_TYPES.
        version: version of the model.
        warnings: warnings of the request.
        key: key of the records in a JSON body.
    """
    if media_type == JSON:
        head = (
            f'{{"version": {json.dumps(version)}, "warnings": {_warnings_text(warnings)}, {json.dumps(key)}: '
        )
        body = b"".join((head.encode(), body.rstrip(b"\n"), b"}\n"))
    return Answer(body=body, media_type=media_type, warnings=tuple(warnings))


def _warnings_text(warnings: Sequence[Finding]) -> str:
    if not warnings:
        return "[]"
    return json.dumps(findings_to_dicts(warnings), ensure_ascii=False, allow_nan=False)
