"""Error for a body that cannot be parsed."""

from lstm_cli.errors import LstmError


class MalformedBody(LstmError):
    """Body that is not what its media type says: no JSON, no text, no Parquet. HTTP 400.

    Data that can be parsed and do not fit the model are a DataError, HTTP 422.
    """

    exit_code = 3
