"""Tests of the settings of `lstm serve`."""

import pytest

from lstm_cli.config import ServeConfig
from lstm_cli.errors import UsageError


@pytest.mark.parametrize("host", [None, "localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_loopback_needs_no_token(host: str | None) -> None:
    assert ServeConfig(host=host).is_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org", "::ffff:192.0.2.7"])
def test_an_open_address_needs_a_token_or_consent(host: str) -> None:
    with pytest.raises(UsageError, match="is open to other machines") as caught:
        ServeConfig(host=host)
    assert "--token-file" in caught.value.hint
    assert not ServeConfig(host=host, no_auth=True).is_loopback
    assert not ServeConfig(host=host, token_file="tokens").is_loopback


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"uds": "a.sock", "host": "127.0.0.1"}, "--uds and --host cannot be combined"),
        ({"uds": "a.sock", "port": 8000}, "--uds and --port cannot be combined"),
        ({"no_auth": True, "token_file": "a"}, "--no-auth and --token-file cannot be combined"),
        ({"port": 65_536}, "--port 65536 is out of range"),
        ({"timeout": 0.0}, "--timeout 0 is too small"),
        ({"uds": ""}, "--uds is empty"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ServeConfig(**settings)  # type: ignore[arg-type]
