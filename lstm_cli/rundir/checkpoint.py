"""Checkpoint of a training in progress in RUN/checkpoint/, which is removed when the training has completed.

    training.json       identity and state of the training, and the files with size and sha256; it has its own checksum
    0007.safetensors    one per network, written again when the network has changed

No other file of the run depends on the checkpoint, so `run.json` does not list it. The rename of `training.json`
makes a new checkpoint valid. Before the rename, the previous checkpoint is intact. Only the process that holds the
lock of the run reads or writes the checkpoint.
"""

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstm_cli.errors import CorruptArtifact, OutputError
from lstm_cli.os_errors import as_output_error
from lstm_cli.rundir import manifest
from lstm_cli.rundir.filesystem import READ, close_quietly, retry_on_eintr, sync_folder, write_durably
from lstm_cli.rundir.layout import CHECKPOINT
from lstm_cli.rundir.open import require_own
from lstm_cli.rundir.reader import is_link

INDEX, TEMPORARY = "training.json", "training.json.tmp"
FORMAT = "lstm checkpoint"
_FILE = re.compile(r"[0-9]{4,9}\.safetensors")


@dataclass(frozen=True, kw_only=True)
class StoredCheckpoint:
    """Content of a checkpoint with valid checksums."""

    about: Mapping[str, Any]
    files: Mapping[str, bytes]  # network name -> content


class Checkpoint:
    """Checkpoint of a run."""

    def __init__(self, run: Path) -> None:
        self.folder = run / CHECKPOINT
        self._facts: dict[str, dict[str, Any]] = {}  # network name -> file, size, sha256

    def exists(self) -> bool:
        """Return whether the run has a checkpoint, intact or corrupt."""
        return os.path.lexists(self.folder / INDEX)

    def read(self) -> StoredCheckpoint | None:
        """Return the checkpoint, or None if the run has no checkpoint.

        Raises:
            CorruptArtifact: the checkpoint is corrupt.
            ForeignFolder: its folder is a link or a file.
            OutputError: the system does not allow reading it.
        """
        require_own(self.folder)
        if not self.exists():
            return None
        try:
            document = manifest.check_checksum(self._read_file(INDEX, manifest.MAX_BYTES))
            about, facts = _parse(document)
            files = {name: self._read_verified(fact) for name, fact in facts.items()}
        except ValueError as error:
            raise CorruptArtifact(f"{self.folder} is corrupt: {error}") from None
        self._facts = facts
        return StoredCheckpoint(about=about, files=files)

    def read_about(self) -> Mapping[str, Any] | None:
        """Return the facts of the checkpoint without its networks, or None if it is missing or corrupt."""
        if is_link(self.folder) or not self.exists():
            return None
        try:
            about, _ = _parse(manifest.check_checksum(self._read_file(INDEX, manifest.MAX_BYTES)))
        except (ValueError, OutputError):
            return None
        return about

    def write(self, about: Mapping[str, Any], changed: Mapping[str, bytes]) -> None:
        """Replace the checkpoint. Networks that are not in `changed` keep their files.

        Raises:
            ForeignFolder: its folder is a link or a file.
            OutputError: the system refuses. The previous checkpoint stays valid.
        """
        self._make_folder()
        facts, written = dict(self._facts), []
        document = b""
        try:
            for number, (name, data) in enumerate(changed.items(), self._next_number()):
                path = self.folder / f"{number:04d}.safetensors"
                written.append(path)
                write_durably(path, data)
                facts[name] = {
                    "file": path.name,
                    "size": len(data),
                    "sha256": hashlib.sha256(data).hexdigest(),
                }
            sync_folder(self.folder)  # the new files must be durable before `training.json` lists them
            content = {"format": FORMAT, "about": dict(about), "files": facts}
            document = manifest.with_checksum(content, path=self.folder / INDEX)
            self._replace_index(document)
        except BaseException:
            if not document or not self._is_in_place(document):
                for path in written:
                    with suppress(OSError):
                        path.unlink()
                with suppress(OSError):  # only succeeds if no checkpoint existed
                    self.folder.rmdir()
            raise
        self._facts = facts
        self._remove_except({fact["file"] for fact in facts.values()} | {INDEX})

    def remove(self) -> None:
        """Remove the checkpoint, but no other files in its folder. Errors are ignored: the next writer tries again."""
        self._facts = {}
        if self.folder.is_symlink():
            return
        with suppress(OSError):
            (self.folder / INDEX).unlink(missing_ok=True)
            self._remove_except(set())
            self.folder.rmdir()

    def _make_folder(self) -> None:
        require_own(self.folder)
        with as_output_error(self.folder, doing="make"):
            try:
                retry_on_eintr(os.mkdir, self.folder)
            except FileExistsError:
                return
        sync_folder(self.folder.parent)

    def _next_number(self) -> int:
        with as_output_error(self.folder, doing="read"):
            names = retry_on_eintr(os.listdir, self.folder)
        return 1 + max((int(name.partition(".")[0]) for name in names if _FILE.fullmatch(name)), default=0)

    def _replace_index(self, document: bytes) -> None:
        temporary = self.folder / TEMPORARY
        with as_output_error(temporary):
            temporary.unlink(missing_ok=True)
        write_durably(temporary, document)
        with as_output_error(self.folder / INDEX):
            retry_on_eintr(os.replace, temporary, self.folder / INDEX)
        sync_folder(self.folder)

    def _is_in_place(self, document: bytes) -> bool:
        """Return whether `training.json` is the new one. In doubt return True, because an extra file does no harm."""
        try:
            return (self.folder / INDEX).read_bytes() == document
        except FileNotFoundError:
            return False
        except OSError:
            return True

    def _remove_except(self, kept: set[str]) -> None:
        """Remove the checkpoint files that are not in `kept`."""
        with suppress(OSError):
            for name in retry_on_eintr(os.listdir, self.folder):
                if (_FILE.fullmatch(name) or name in (INDEX, TEMPORARY)) and name not in kept:
                    with suppress(OSError):
                        (self.folder / name).unlink()

    def _read_verified(self, fact: Mapping[str, Any]) -> bytes:
        path = self.folder / fact["file"]
        data = self._read_file(path.name, fact["size"])
        if len(data) != fact["size"] or hashlib.sha256(data).hexdigest() != fact["sha256"]:
            raise ValueError(f"checksum mismatch in {path.name} (changed after it was written)")
        return data

    def _read_file(self, name: str, max_bytes: int) -> bytes:
        """Return the content of a checkpoint file without following links. Raise ValueError if it is invalid."""
        path = self.folder / name
        if path.is_symlink():
            raise ValueError(f"{name} is a link")
        with as_output_error(path, doing="read"):
            try:
                descriptor = os.open(path, READ)
            except FileNotFoundError:
                raise ValueError(f"{name} is missing") from None
            try:
                about = os.fstat(descriptor)
                if not stat.S_ISREG(about.st_mode):
                    raise ValueError(f"{name} is not a regular file")
                if about.st_size > max_bytes:
                    raise ValueError(f"{name} is too large ({about.st_size:,} bytes)")
                with open(descriptor, "rb", closefd=False) as stream:
                    return stream.read()
            finally:
                close_quietly(descriptor)


def _parse(document: Any) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return (about, facts) of the parsed `training.json`. Raise ValueError if it is invalid."""
    is_checkpoint = isinstance(document, dict) and document.get("format") == FORMAT
    about, facts = (document.get("about"), document.get("files")) if is_checkpoint else (None, None)
    if not isinstance(about, dict) or not isinstance(facts, dict):
        raise ValueError("training.json is not a checkpoint of lstm")
    for fact in facts.values():
        is_valid = (
            isinstance(fact, dict)
            and isinstance(fact.get("file"), str)
            and _FILE.fullmatch(fact["file"])
            and type(fact.get("size")) is int
            and isinstance(fact.get("sha256"), str)
        )
        if not is_valid:
            raise ValueError("training.json lists an invalid file")
    return about, facts
