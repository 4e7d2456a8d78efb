"""The run directory: every file name, format, maker and reader; commit, lock, verification.

run = open_run("runs/load")                       # a snapshot; every byte is checked before it is used
weights = run.artifact("model").bytes("weights.safetensors")

with writing("runs/load", step="train") as writer:
    folder = writer.new("model")
    folder.write_bytes("weights.safetensors", weights)
    writer.commit(config={...}, reads={"data": writer.run.digest("data")}, report={...}, seed=0, device="cpu")
"""

from typing import TYPE_CHECKING, Any

from lstm_cli.lazily import loaded

if TYPE_CHECKING:
    from lstm_cli.rundir.artifacts import ARTIFACTS, CHECKPOINT, EXPORTS, LOGS, Artifact, command, table
    from lstm_cli.rundir.checkpoint import Checkpoint, Stored
    from lstm_cli.rundir.folder import Folder, HashingFile
    from lstm_cli.rundir.locked import writing
    from lstm_cli.rundir.opening import open_run, refuse_foreign
    from lstm_cli.rundir.output import (
        check_output,
        check_output_folder,
        exports_of,
        logs_of,
        replace_file,
        replace_files,
        replacing,
    )
    from lstm_cli.rundir.planned import would_read, would_write
    from lstm_cli.rundir.reading import ArtifactReader, Run
    from lstm_cli.rundir.standing import stands
    from lstm_cli.rundir.verifying import Verdict, verify_run
    from lstm_cli.rundir.writer import Writer

__all__ = [
    "ARTIFACTS",
    "CHECKPOINT",
    "EXPORTS",
    "LOGS",
    "Artifact",
    "ArtifactReader",
    "Checkpoint",
    "Folder",
    "HashingFile",
    "Run",
    "Stored",
    "Verdict",
    "Writer",
    "check_output",
    "check_output_folder",
    "command",
    "exports_of",
    "logs_of",
    "open_run",
    "refuse_foreign",
    "replace_file",
    "replace_files",
    "replacing",
    "stands",
    "table",
    "verify_run",
    "would_read",
    "would_write",
    "writing",
]

_MODULES = {
    "artifacts": ("ARTIFACTS", "Artifact", "CHECKPOINT", "EXPORTS", "LOGS", "command", "table"),
    "checkpoint": ("Checkpoint", "Stored"),
    "folder": ("Folder", "HashingFile"),
    "locked": ("writing",),
    "opening": ("open_run", "refuse_foreign"),
    "output": (
        "check_output",
        "check_output_folder",
        "exports_of",
        "logs_of",
        "replace_file",
        "replace_files",
        "replacing",
    ),
    "planned": ("would_read", "would_write"),
    "reading": ("ArtifactReader", "Run"),
    "standing": ("stands",),
    "verifying": ("Verdict", "verify_run"),
    "writer": ("Writer",),
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    return loaded(__name__, name, _WHERE)
