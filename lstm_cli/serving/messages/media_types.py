"""Choice of the media type of an answer by the header Accept, and the media type of a body."""

from lstm_cli.serving.messages.http_error import HttpError
from lstm_cli.serving.model import CSV, JSON, MEDIA_TYPES, PARQUET

# Other names that clients use.
ALIASES = {
    "application/csv": CSV,
    "application/x-parquet": PARQUET,
    "application/parquet": PARQUET,
}
ACCEPTED = (JSON, CSV, PARQUET)  # the first one that the client accepts is the answer
LISTED = ", ".join(MEDIA_TYPES)


def answer_type(accept: bytes, *, with_parquet: bool = True) -> str:
    """Return the media type of the answer: the preferred one of the client, and JSON without a preference.

    Raises HttpError 406 if the client accepts none.

    Args:
        accept: header Accept.
        with_parquet: whether an answer can be Parquet.

    >>> answer_type(b""), answer_type(b"text/html, text/csv;q=0.9, */*;q=0.1")
    ('application/json', 'text/csv')
    """
    if not accept or accept == b"*/*" or accept == b"application/json":
        return JSON
    ranges = _accepted_ranges(accept.decode("latin-1"))
    available = ACCEPTED if with_parquet else ACCEPTED[:-1]
    best = max(available, key=lambda media_type: _quality(media_type, ranges))
    if _quality(best, ranges) <= 0:
        raise HttpError(
            406,
            "no media type of Accept is available",
            hint=f"accept one of {', '.join(sorted(available, key=MEDIA_TYPES.index))}",
        )
    return best


def _accepted_ranges(accept: str) -> dict[str, float]:
    ranges = {}
    for item in accept.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        weight = next((part[2:].strip() for part in parameters if part.startswith("q=")), "1")
        try:
            quality = float(weight)
        except ValueError:
            quality = 0.0
        ranges[ALIASES.get(name, name)] = quality
    return ranges


def _quality(media_type: str, ranges: dict[str, float]) -> float:
    """Return the weight of a media type: that of the most specific range."""
    group = f"{media_type.partition('/')[0]}/*"
    return next((ranges[name] for name in (media_type, group, "*/*") if name in ranges), 0.0)


def body_type(content_type: bytes) -> str:
    """Return the media type of a body. Raises HttpError 415 for an unknown type or encoding of text.

    >>> body_type(b"text/csv; charset=utf-8")
    'text/csv'
    """
    if content_type == b"application/json":
        return JSON
    name, _, parameters = content_type.decode("latin-1").lower().partition(";")
    media_type = ALIASES.get(name.strip(), name.strip())
    if media_type not in MEDIA_TYPES:
        problem = (
            f"the media type '{name.strip()}' is not supported" if name.strip() else "Content-Type is missing"
        )
        raise HttpError(415, problem, hint=f"send one of {LISTED} as Content-Type")
    for parameter in parameters.split(";"):
        key, _, value = parameter.strip().partition("=")
        charset = value.strip('" ')
        if key == "charset" and charset not in ("utf-8", "utf8", "us-ascii"):
            raise HttpError(415, f"the charset '{charset}' is not supported", hint="send the body in UTF-8")
    return media_type
