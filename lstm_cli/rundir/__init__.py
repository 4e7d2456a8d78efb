"""Run directory: layout, readers, writers, locks, commits and verification.

run = open_run("runs/load")                       # a snapshot; checksums are verified before use
weights = run.artifact("model").bytes("weights.safetensors")

with writing("runs/load", step="train") as writer:
    folder = writer.new("model")
    folder.write_bytes("weights.safetensors", weights)
    writer.commit(config={...}, reads={"data": writer.run.digest("data")}, report={...}, seed=0, device="cpu")
"""

from typing import TYPE_CHECKING, Any

from lstm_cli.lazy_imports import lazy_attributes

if TYPE_CHECKING:
    from lstm_cli.rundir.artifact_folder import ArtifactFolder, HashingFile
    from lstm_cli.rundir.checkpoint import Checkpoint, StoredCheckpoint
    from lstm_cli.rundir.filesystem import (
        check_output,
        check_output_folder,
        open_replacement,
        replace_file,
        replace_files,
    )
    from lstm_cli.rundir.layout import (
        ARTIFACTS,
        CHECKPOINT,
        EXPORTS,
        LOGS,
        MANIFEST,
        STEPS,
        Artifact,
        command,
        layout_table,
    )
    from lstm_cli.rundir.leftovers import UnnamedFolder, list_unnamed
    from lstm_cli.rundir.lock_owner import lock_holder
    from lstm_cli.rundir.manifest import reading_manifest
    from lstm_cli.rundir.open import exports_folder, logs_folder, open_run, refuse_foreign
    from lstm_cli.rundir.reader import ArtifactReader, Run
    from lstm_cli.rundir.status import (
        Verdict,
        is_up_to_date,
        missing_files,
        require_fresh,
        serves_quantized,
        stale_sources,
        verify_run,
        would_read,
        would_write,
    )
    from lstm_cli.rundir.transaction import clean_run, writing
    from lstm_cli.rundir.writer import Writer

__all__ = [
    "ARTIFACTS",
    "CHECKPOINT",
    "EXPORTS",
    "LOGS",
    "MANIFEST",
    "STEPS",
    "Artifact",
    "ArtifactFolder",
    "ArtifactReader",
    "Checkpoint",
    "HashingFile",
    "Run",
    "StoredCheckpoint",
    "UnnamedFolder",
    "Verdict",
    "Writer",
    "check_output",
    "check_output_folder",
    "clean_run",
    "command",
    "exports_folder",
    "is_up_to_date",
    "layout_table",
    "list_unnamed",
    "lock_holder",
    "logs_folder",
    "missing_files",
    "open_replacement",
    "open_run",
    "reading_manifest",
    "refuse_foreign",
    "replace_file",
    "replace_files",
    "require_fresh",
    "serves_quantized",
    "stale_sources",
    "verify_run",
    "would_read",
    "would_write",
    "writing",
]

_MODULES = {
    "artifact_folder": ("ArtifactFolder", "HashingFile"),
    "checkpoint": ("Checkpoint", "StoredCheckpoint"),
    "filesystem": (
        "check_output",
        "check_output_folder",
        "replace_file",
        "replace_files",
        "open_replacement",
    ),
    "layout": (
        "ARTIFACTS",
        "Artifact",
        "CHECKPOINT",
        "EXPORTS",
        "LOGS",
        "MANIFEST",
        "STEPS",
        "command",
        "layout_table",
    ),
    "leftovers": ("UnnamedFolder", "list_unnamed"),
    "lock_owner": ("lock_holder",),
    "manifest": ("reading_manifest",),
    "open": ("exports_folder", "logs_folder", "open_run", "refuse_foreign"),
    "reader": ("ArtifactReader", "Run"),
    "status": (
        "Verdict",
        "require_fresh",
        "stale_sources",
        "is_up_to_date",
        "missing_files",
        "serves_quantized",
        "verify_run",
        "would_read",
        "would_write",
    ),
    "transaction": ("clean_run", "writing"),
    "writer": ("Writer",),
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    return lazy_attributes(__name__, name, _WHERE)
