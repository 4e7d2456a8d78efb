"""Tests of environment variables for OpenMP and ONNX Runtime: packages set them unless the user has."""

import os
import subprocess
import sys

import pytest

from lstm_cli.runtime_environment import DEFAULTS


def after_loading(package: str, **environ: str) -> list[str]:
    """Return the values of the variables in a new process that has loaded the package."""
    kept = {name: value for name, value in os.environ.items() if name not in DEFAULTS}
    script = f"import os, {package}\nfor name in {tuple(DEFAULTS)}:\n    print(os.environ.get(name))"
    done = subprocess.run(
        [sys.executable, "-c", script], env=kept | environ, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize("package", ["lstm_cli.training", "lstm_cli.export", "lstm_cli.inference"])
def test_packages_that_load_the_libraries_set_the_variables(package: str) -> None:
    assert after_loading(package) == ["PASSIVE", "1"]


def test_variables_of_the_user_are_not_changed() -> None:
    assert after_loading("lstm_cli.training", OMP_WAIT_POLICY="ACTIVE") == ["ACTIVE", "1"]
