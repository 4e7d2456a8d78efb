"""The run directory: every file name, format, maker and reader; commit, lock, verification.

run = open_run("runs/load")                       # a snapshot; every byte is checked before it is used
weights = run.artifact("model").bytes("weights.safetensors")

with writing("runs/load", step="train") as writer:
    folder = writer.new("model")
    folder.write_bytes("weights.safetensors", weights)
    writer.commit(config={...}, reads={"data": writer.run.digest("data")}, report={...}, seed=0, device="cpu")
"""

from lstm_cli.rundir.artifacts import ARTIFACTS, CHECKPOINT, EXPORTS, LOGS, Artifact, command, table
from lstm_cli.rundir.checkpoint import Checkpoint, Stored
from lstm_cli.rundir.folder import Folder, HashingFile
from lstm_cli.rundir.opening import open_run, refuse_foreign
from lstm_cli.rundir.output import check_output, exports_of, logs_of, replace_file, replacing
from lstm_cli.rundir.planned import would_read, would_write
from lstm_cli.rundir.reading import ArtifactReader, Run
from lstm_cli.rundir.standing import stands
from lstm_cli.rundir.verifying import Verdict
from lstm_cli.rundir.verifying import verify as verify_run
from lstm_cli.rundir.writer import Writer
from lstm_cli.rundir.writing import writing

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
    "command",
    "exports_of",
    "logs_of",
    "open_run",
    "refuse_foreign",
    "replace_file",
    "replacing",
    "stands",
    "table",
    "verify_run",
    "would_read",
    "would_write",
    "writing",
]
