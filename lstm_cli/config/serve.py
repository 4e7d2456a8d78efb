"""Settings of `lstm serve`."""

from dataclasses import dataclass
from ipaddress import ip_address

from lstm_cli.config.setting import require_bounds, setting, threads_setting
from lstm_cli.errors import UsageError

ADDRESS_PANEL = "Address and access"
LIMITS_PANEL = "Limits"
HOST, PORT = "127.0.0.1", 8000


@dataclass(frozen=True, kw_only=True)
class ServeConfig:
    """Settings of `lstm serve`."""

    host: str | None = setting(
        None,
        "Address to listen on. Other machines can only reach an address that is not of loopback.",
        "ADDRESS",
        default_text=HOST,
        panel=ADDRESS_PANEL,
    )
    port: int | None = setting(
        None,
        "Port to listen on; 0 is any free port.",
        "N",
        kind="whole",
        default_text=str(PORT),
        panel=ADDRESS_PANEL,
        minimum=0,
        below=65_536,
    )
    uds: str | None = setting(
        None,
        "Unix socket to listen on instead, for a proxy on the same machine.",
        "PATH",
        default_text="none",
        panel=ADDRESS_PANEL,
    )
    token_file: str | None = setting(
        None,
        "File with one token per line. Requests must then have 'Authorization: Bearer TOKEN'.",
        "FILE",
        default_text="none",
        panel=ADDRESS_PANEL,
    )
    no_auth: bool = setting(
        False, "No token, even if other machines can reach the address.", panel=ADDRESS_PANEL
    )
    max_body: int = setting(
        16 << 20,
        "Maximum size of a request's body, after decompression.",
        "SIZE",
        kind="size",
        default_text="16MiB",
        panel=LIMITS_PANEL,
        minimum=1,
    )
    max_batch: int = setting(
        256,
        "Maximum number of windows or sequences in one batch. With 1, answers have the bytes of 'lstm predict'.",
        "N",
        kind="whole",
        panel=LIMITS_PANEL,
        minimum=1,
    )
    queue: int = setting(
        64,
        "Maximum number of requests that wait; others get status 503.",
        "N",
        kind="whole",
        panel=LIMITS_PANEL,
        minimum=1,
    )
    timeout: float = setting(
        30.0,
        "Maximum time of a request: status 408 while its body arrives, 504 afterwards.",
        "TIME",
        kind="duration",
        default_text="30s",
        panel=LIMITS_PANEL,
        above=0,
    )
    grace: float = setting(
        10.0,
        "Maximum time for the requests in progress after SIGTERM or Ctrl-C.",
        "TIME",
        kind="duration",
        default_text="10s",
        panel=LIMITS_PANEL,
        minimum=0,
    )
    reload: float = setting(
        1.0,
        "Interval of the check for a new model. SIGHUP reloads at once, also with 'off'.",
        "TIME|off",
        kind="interval",
        default_text="1s",
        panel=LIMITS_PANEL,
        minimum=0,
    )
    threads: int | None = threads_setting()

    def __post_init__(self) -> None:
        require_bounds(self)
        for flag, given in (("--host", self.host), ("--port", self.port)):
            if self.uds is not None and given is not None:
                raise UsageError(f"--uds and {flag} cannot be combined", hint="choose one of them", flag=flag)
        for flag, text in (("--host", self.host), ("--uds", self.uds), ("--token-file", self.token_file)):
            if text == "":
                raise UsageError(f"{flag} is empty", hint=f"leave {flag} out, or give it a value", flag=flag)
        if self.no_auth and self.token_file is not None:
            raise UsageError(
                "--no-auth and --token-file cannot be combined", hint="choose one of them", flag="--no-auth"
            )
        if not (self.is_loopback or self.no_auth or self.token_file):
            raise UsageError(
                f"--host {self.host} is open to other machines, so requests need a token",
                hint="add --token-file FILE, or --no-auth if a proxy or firewall controls the access",
                flag="--host",
            )

    @property
    def is_loopback(self) -> bool:
        """Return whether only this machine can reach the address. Of names, only `localhost` counts."""
        if self.host is None or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False
