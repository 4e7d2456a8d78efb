"""What OpenMP and ONNX Runtime read is set by whichever package loads them, unless the user has set it."""

import os
import subprocess
import sys

import pytest

from lstm_cli.runtime_environment import DEFAULTS


def after_loading(package: str, **environ: str) -> list[str]:
    """Return the variables in a fresh process that has loaded the package."""
    kept = {name: value for name, value in os.environ.items() if name not in DEFAULTS}
    script = f"import os, {package}\nfor name in {tuple(DEFAULTS)}:\n    print(os.environ.get(name))"
    done = subprocess.run(
        [sys.executable, "-c", script], env=kept | environ, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize("package", ["lstm_cli.training", "lstm_cli.export", "lstm_cli.inference"])
def test_a_package_that_loads_the_libraries_sets_what_they_read(package: str) -> None:
    assert after_loading(package) == ["PASSIVE", "1"]


def test_what_the_user_has_set_stays() -> None:
    assert after_loading("lstm_cli.training", OMP_WAIT_POLICY="ACTIVE") == ["ACTIVE", "1"]
