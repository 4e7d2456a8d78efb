"""Test that the commands of the demos are valid."""

import re
import shlex
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parents[2] / "sample_data").glob("demo*.sh"))


@pytest.mark.usefixtures("in_a_folder")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_each_command_of_a_demo_has_valid_options(lstm, script):
    text = re.sub(r'"\$(\w+)"', r"runs/\1", script.read_text())
    commands = re.findall(r"^show lstm (.*)$", text, flags=re.MULTILINE)
    assert len(commands) >= 4
    Path("runs").mkdir()
    for command in commands:
        code, _, err = lstm(*shlex.split(command))
        assert code == 0, (command, err)
