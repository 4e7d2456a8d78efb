"""The checkpoint of a training in progress: RUN/checkpoint/, written over and over, gone when it has completed.

    training.json       what it is a training of, and its files with size and sha256; it carries its own checksum
    0007.safetensors    one a network, written anew when that network has come further

No other file of the run rests on it, so `run.json` does not name it. A new one counts with one rename, that of
`training.json`; before it the old one is whole. Only the holder of the run's lock reads or writes it.
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

from lstm_cli.errors import CorruptArtifact
from lstm_cli.os_errors import as_output_error
from lstm_cli.rundir import manifest
from lstm_cli.rundir.filesystem import READ, close_quietly, retry_on_eintr, sync_folder, write_durably
from lstm_cli.rundir.layout import CHECKPOINT
from lstm_cli.rundir.open import require_own

INDEX, TEMPORARY = "training.json", "training.json.tmp"
FORMAT = "lstm checkpoint"
_FILE = re.compile(r"[0-9]{4,9}\.safetensors")


@dataclass(frozen=True, kw_only=True)
class StoredCheckpoint:
    """A checkpoint that was read: every byte is one that was written."""

    about: Mapping[str, Any]
    files: Mapping[str, bytes]  # by the name of the network


class Checkpoint:
    """The checkpoint of a run."""

    def __init__(self, run: Path) -> None:
        self.folder = run / CHECKPOINT
        self._facts: dict[str, dict[str, Any]] = {}  # name -> file, size, sha256, as `training.json` has them

    def exists(self) -> bool:
        """Whether there is one, sound or not."""
        return os.path.lexists(self.folder / INDEX)

    def read(self) -> StoredCheckpoint | None:
        """The checkpoint; None where there is none.

        Raises:
            CorruptArtifact: it is not what was written.
            ForeignFolder: its folder is a link or a file.
            OutputError: the system does not let us read it.
        """
        require_own(self.folder)
        if not self.exists():
            return None
        try:
            document = manifest.check_checksum(self._bytes(INDEX, manifest.MAX_BYTES))
            about, facts = _parts_of(document)
            files = {name: self._checked(fact) for name, fact in facts.items()}
        except ValueError as error:
            raise CorruptArtifact(f"{self.folder} is damaged: {error}") from None
        self._facts = facts
        return StoredCheckpoint(about=about, files=files)

    def write(self, about: Mapping[str, Any], changed: Mapping[str, bytes]) -> None:
        """Replace the checkpoint: `changed` holds the networks that came further, the others stay as they are.

        Raises:
            ForeignFolder: its folder is a link or a file.
            OutputError: the system refuses; the checkpoint is then the one before.
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
            sync_folder(self.folder)  # their names, before `training.json` names them
            whole = {"format": FORMAT, "about": dict(about), "files": facts}
            document = manifest.with_checksum(whole, path=self.folder / INDEX)
            self._put(document)
        except BaseException:
            if not document or not self._is_in_place(document):
                for path in written:
                    with suppress(OSError):
                        path.unlink()
                with suppress(OSError):  # where it was to be the first
                    self.folder.rmdir()
            raise
        self._facts = facts
        self._remove({fact["file"] for fact in facts.values()} | {INDEX})

    def remove(self) -> None:
        """Remove it, `training.json` first; a person's file in its folder stays. Never fails: the next writer tries."""
        self._facts = {}
        if self.folder.is_symlink():
            return
        with suppress(OSError):
            (self.folder / INDEX).unlink(missing_ok=True)
            self._remove(set())
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

    def _put(self, document: bytes) -> None:
        temporary = self.folder / TEMPORARY
        with as_output_error(temporary):
            temporary.unlink(missing_ok=True)
        write_durably(temporary, document)
        with as_output_error(self.folder / INDEX):
            retry_on_eintr(os.replace, temporary, self.folder / INDEX)
        sync_folder(self.folder)

    def _is_in_place(self, document: bytes) -> bool:
        """Whether `training.json` is the new one. When in doubt yes: a file too many does no harm."""
        try:
            return (self.folder / INDEX).read_bytes() == document
        except FileNotFoundError:
            return False
        except OSError:
            return True

    def _remove(self, kept: set[str]) -> None:
        """Remove our files but for these."""
        with suppress(OSError):
            for name in retry_on_eintr(os.listdir, self.folder):
                if (_FILE.fullmatch(name) or name in (INDEX, TEMPORARY)) and name not in kept:
                    with suppress(OSError):
                        (self.folder / name).unlink()

    def _checked(self, fact: Mapping[str, Any]) -> bytes:
        path = self.folder / fact["file"]
        data = self._bytes(path.name, fact["size"])
        if len(data) != fact["size"] or hashlib.sha256(data).hexdigest() != fact["sha256"]:
            raise ValueError(f"the bytes of {path.name} are not those that were written")
        return data

    def _bytes(self, name: str, most: int) -> bytes:
        """A file of the folder, following no link. Raises ValueError where it cannot be one of ours."""
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
                    raise ValueError(f"{name} is not an ordinary file")
                if about.st_size > most:
                    raise ValueError(f"{name} has {about.st_size:,} bytes")
                with open(descriptor, "rb", closefd=False) as stream:
                    return stream.read()
            finally:
                close_quietly(descriptor)


def _parts_of(document: Any) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """(about, facts) of the JSON. Raises ValueError where it is not one of ours."""
    ours = isinstance(document, dict) and document.get("format") == FORMAT
    about, facts = (document.get("about"), document.get("files")) if ours else (None, None)
    if not isinstance(about, dict) or not isinstance(facts, dict):
        raise ValueError("it is not a checkpoint of ours")
    for fact in facts.values():
        sound = (
            isinstance(fact, dict)
            and isinstance(fact.get("file"), str)
            and _FILE.fullmatch(fact["file"])
            and type(fact.get("size")) is int
            and isinstance(fact.get("sha256"), str)
        )
        if not sound:
            raise ValueError("it names a file that is none of ours")
    return about, facts
