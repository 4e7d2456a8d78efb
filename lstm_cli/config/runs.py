"""Settings of `lstm runs`."""

from dataclasses import dataclass

from lstm_cli.config.setting import require_bounds, setting
from lstm_cli.errors import UsageError

SORT_KEYS = (
    "name",
    "mase",
    "mae",
    "score",
    "difference",
    "coverage",
    "windows",
    "horizon",
    "target",
    "model",
    "state",
    "time",
)


@dataclass(frozen=True, kw_only=True)
class RunsConfig:
    """Settings of `lstm runs`."""

    sort: str = setting(
        "name", "Order of the list: best, newest or alphabetical first.", "KEY", choices=SORT_KEYS
    )
    diff: tuple[str, str] | None = setting(
        None,
        "Two runs to compare: settings, data, versions, and scores on the same windows.",
        "A B",
        default_text="none",
    )
    clean: bool = setting(
        False, "List of the numbered folders that run.json does not name, which a killed step left."
    )
    delete: bool = setting(False, "Removal of the folders that --clean lists.")

    def __post_init__(self) -> None:
        require_bounds(self)
        if self.delete and not self.clean:
            raise UsageError("--delete needs --clean", hint="add --clean", flag="--delete")
        for flag, given in (("--sort", self.sort != "name"), ("--clean", self.clean)):
            if given and self.diff is not None:
                raise UsageError(
                    f"--diff and {flag} cannot be combined", hint="choose one of them", flag="--diff"
                )
        if self.clean and self.sort != "name":
            raise UsageError(
                "--clean and --sort cannot be combined", hint="choose one of them", flag="--clean"
            )
