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
    from lstm_cli.rundir.filesystem import open_replacement, replace_file, replace_files
    from lstm_cli.rundir.layout import (
        ARTIFACTS,
        CHECKPOINT,
        EXPORTS,
        LEDGER,
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
    from lstm_cli.rundir.manifest.versions import (
        is_after_rollback,
        is_kept,
        is_refreshed,
        kept_versions,
        list_versions,
        named_folders,
        newest_folder,
        scores_of,
        version_number,
    )
    from lstm_cli.rundir.open import exports_folder, logs_folder, open_run, open_version, refuse_foreign
    from lstm_cli.rundir.outputs import check_output, check_output_folder
    from lstm_cli.rundir.reader import ArtifactReader, Run
    from lstm_cli.rundir.status import (
        Verdict,
        files_to_verify,
        is_up_to_date,
        missing_files,
        require_fresh,
        retrain_command,
        rolled_back_version,
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
    "LEDGER",
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
    "files_to_verify",
    "is_after_rollback",
    "is_kept",
    "is_refreshed",
    "is_up_to_date",
    "kept_versions",
    "layout_table",
    "list_unnamed",
    "list_versions",
    "lock_holder",
    "logs_folder",
    "missing_files",
    "named_folders",
    "newest_folder",
    "open_replacement",
    "open_run",
    "open_version",
    "reading_manifest",
    "refuse_foreign",
    "replace_file",
    "replace_files",
    "require_fresh",
    "retrain_command",
    "rolled_back_version",
    "scores_of",
    "serves_quantized",
    "stale_sources",
    "verify_run",
    "version_number",
    "would_read",
    "would_write",
    "writing",
]

_MODULES = {
    "artifact_folder": ("ArtifactFolder", "HashingFile"),
    "checkpoint": ("Checkpoint", "StoredCheckpoint"),
    "filesystem": ("replace_file", "replace_files", "open_replacement"),
    "layout": (
        "ARTIFACTS",
        "Artifact",
        "CHECKPOINT",
        "EXPORTS",
        "LEDGER",
        "LOGS",
        "MANIFEST",
        "STEPS",
        "command",
        "layout_table",
    ),
    "leftovers": ("UnnamedFolder", "list_unnamed"),
    "lock_owner": ("lock_holder",),
    "manifest": ("reading_manifest",),
    "open": ("exports_folder", "logs_folder", "open_run", "open_version", "refuse_foreign"),
    "outputs": ("check_output", "check_output_folder"),
    "reader": ("ArtifactReader", "Run"),
    "status": (
        "Verdict",
        "files_to_verify",
        "require_fresh",
        "retrain_command",
        "rolled_back_version",
        "stale_sources",
        "is_up_to_date",
        "missing_files",
        "serves_quantized",
        "verify_run",
        "would_read",
        "would_write",
    ),
    "transaction": ("clean_run", "writing"),
    "manifest.versions": (
        "is_after_rollback",
        "is_kept",
        "is_refreshed",
        "kept_versions",
        "list_versions",
        "named_folders",
        "newest_folder",
        "scores_of",
        "version_number",
    ),
    "writer": ("Writer",),
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    return lazy_attributes(__name__, name, _WHERE)
