"""The writer of a step: new folders, one rename that makes them count, and what goes afterwards."""

import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lstm_cli import __version__
from lstm_cli.os_errors import as_output_error
from lstm_cli.rundir import manifest
from lstm_cli.rundir.artifact_folder import ArtifactFolder
from lstm_cli.rundir.filesystem import remove_tree, retry_on_eintr, sync_folder, write_durably
from lstm_cli.rundir.layout import ARTIFACTS, MANIFEST, MANIFEST_BROKEN, MANIFEST_TEMPORARY, SCRATCH
from lstm_cli.rundir.open import require_own
from lstm_cli.rundir.reader import Run

_LIBRARIES = ("numpy", "torch", "onnx", "onnxruntime", "safetensors", "pyarrow", "sklearn")


class Writer:
    """A step's hold on the run: `new` folders are filled, `commit` makes them count. See `writing`."""

    def __init__(
        self,
        path: Path,
        step: str,
        run: Run | None,
        *,
        sources: Mapping[str, str] | None,
        set_aside: bool,
        made: list[Path],
    ) -> None:
        self.path = path
        self.step = step
        self.sources = sources  # by setting: where its value came from, defaults left out; None: not known
        self.run = run  # the run before this step; None where it begins
        self._set_aside = set_aside  # the manifest there is damaged
        self._made = made  # folders made for the run, outermost first
        self._folders: dict[str, ArtifactFolder] = {}
        self._parents: list[Path] = []  # artifact folders made
        self._steps: Mapping[str, Any] = run.steps if run else {}
        self._manifest: bytes | None = None  # once it may have been put in place
        self._owner = os.getpid()
        self._began = (time.time(), time.monotonic())

    def new(self, name: str) -> ArtifactFolder:
        """A new numbered folder for the artifact, to be filled before `commit`.

        Raises:
            ValueError: this step does not make it, or has begun it already.
            ForeignFolder: its folder in the run is a link or a file.
            OutputError: the system refuses.
        """
        artifact = ARTIFACTS[name]
        if artifact.made_by != self.step or name in self._folders:
            raise ValueError(f"'{name}' is not for 'lstm {self.step}' to make, or is begun already")
        parent = self.path / name
        require_own(parent)
        with as_output_error(parent):
            try:
                retry_on_eintr(os.mkdir, parent)
                self._parents.append(parent)
            except FileExistsError:
                pass
            path = next_folder(parent)
            retry_on_eintr(os.mkdir, path)
        self._folders[name] = ArtifactFolder(artifact, path)
        return self._folders[name]

    def switch_step(self, step: str, *, sources: Mapping[str, str] | None = None) -> None:
        """Under the same lock, be another step from now on: what was committed stays, its time begins."""
        if self._folders:
            raise ValueError(f"'lstm {self.step}' has begun {', '.join(self._folders)} and not committed it")
        self.step, self.sources = step, sources
        self._began = (time.time(), time.monotonic())

    def commit(
        self,
        *,
        config: Mapping[str, Any],
        reads: Mapping[str, str | Mapping[str, Any] | None],
        report: Mapping[str, Any],
        seed: int | None = None,
        device: str | None = None,
    ) -> None:
        """Make the step's work count: before the one rename all is as it was, after it all is new.

        `reads` holds what the step was made from: for an artifact its digest, or None where it found none that is
        fresh and would have read it; for any other input {"sha256": ..., "size": bytes}. `report` is what `--json`
        prints.

        Raises:
            ValueError: a NaN or an infinity, or files that were not written as promised.
            OutputError: the system refuses. Up to the rename nothing has changed.
        """
        wrote = {name: folder.finish() for name, folder in self._folders.items()}
        entry = {
            "config": dict(config),
            "sources": None if self.sources is None else dict(self.sources),
            "read": {name: self._fact(name, fact) for name, fact in reads.items()},
            "wrote": wrote,
            "versions": versions(),
            "seed": seed,
            "device": device,
            "times": self._times(),
            "report": dict(report),
        }
        steps = {**self._steps, self.step: entry}
        data = manifest.encode_manifest(steps, self.path)
        self._put(data)
        self._steps = steps
        self._folders, self._parents = {}, []
        self._manifest, self._set_aside = None, False  # what this writer begins next has not been committed
        self.tidy()

    def tidy(self) -> None:
        """Remove what killed writers left and what was replaced: folders that `run.json` does not name."""
        if self._set_aside and self._manifest is None:
            return  # nobody knows what the damaged manifest names
        with suppress(OSError):
            (self.path / MANIFEST_TEMPORARY).unlink(missing_ok=True)
        for name, artifact in ARTIFACTS.items():
            wrote = self._steps.get(artifact.made_by, {}).get("wrote", {}).get(name, {})
            before = self.run.producer_entry(name).get("wrote", {}).get(name, {}) if self.run else {}
            named = {wrote["folder"]} if wrote else set()
            ours = {*artifact.files, *before.get("files", {})}
            with suppress(OSError):  # the next writer tries again
                _remove_unnamed(self.path / name, named, ours)

    def abandon(self) -> None:
        """Remove what was begun and not committed."""
        if os.getpid() != self._owner:
            return  # a fork of the writer that ended by an error
        for folder in self._folders.values():
            folder.close()
        if self._manifest is not None and self._is_in_place():
            return  # the rename came through, and an error or a signal after it: the new folders count
        with suppress(OSError):
            (self.path / MANIFEST_TEMPORARY).unlink(missing_ok=True)
        for folder in self._folders.values():
            with suppress(OSError):
                remove_tree(folder.folder)
        for path in reversed(self._parents):
            with suppress(OSError):
                path.rmdir()
        self._folders, self._parents = {}, []

    def _put(self, data: bytes) -> None:
        target = self.path / MANIFEST
        temporary = self.path / MANIFEST_TEMPORARY
        with as_output_error(temporary), suppress(FileNotFoundError):
            retry_on_eintr(os.unlink, temporary)
        mode = None
        if self.run:
            with suppress(OSError):
                mode = target.stat().st_mode & 0o777
        write_durably(temporary, data, mode=mode)
        if self._parents:
            sync_folder(self.path)  # the names of the artifacts' folders, before a manifest names them
        with as_output_error(target):
            if self._set_aside:
                retry_on_eintr(os.replace, target, self.path / MANIFEST_BROKEN)
            self._manifest = data
            retry_on_eintr(os.replace, temporary, target)
        sync_folder(self.path)
        for folder in reversed(self._made):
            sync_folder(folder.parent)
        self._made.clear()

    def _is_in_place(self) -> bool:
        """Whether `run.json` is the one of this step. When in doubt yes: a folder too many does no harm."""
        try:
            return (self.path / MANIFEST).read_bytes() == self._manifest
        except FileNotFoundError:
            return False
        except OSError:
            return True

    def _fact(self, name: str, fact: str | Mapping[str, Any] | None) -> Mapping[str, Any]:
        if fact is None:
            return {"sha256": manifest.ABSENT_DIGEST, "size": 0}
        if not isinstance(fact, str):
            return dict(fact)
        if self.run is None or self.run.digest(name) != fact:
            raise ValueError(f"'{name}' was read with the digest {fact}, which is not the run's")
        files = self.run.artifact(name).files.values()
        return {"sha256": fact, "size": sum(file["size"] for file in files)}

    def _times(self) -> dict[str, Any]:
        form = "%Y-%m-%dT%H:%M:%SZ"
        return {
            "started": time.strftime(form, time.gmtime(self._began[0])),
            "finished": time.strftime(form, time.gmtime()),
            "seconds": round(time.monotonic() - self._began[1], 3),
        }


def next_folder(parent: Path) -> Path:
    """The numbered folder that the next writer would make. Raises OSError where `parent` cannot be read."""
    try:
        taken = [
            int(entry) for entry in retry_on_eintr(os.listdir, parent) if manifest.is_folder_number(entry)
        ]
    except FileNotFoundError:
        taken = []
    return parent / f"{max(taken, default=0) + 1:04d}"


def _remove_unnamed(parent: Path, named: set[str], ours: set[str]) -> None:
    """Remove the numbered folders in `parent` that nothing names: our files, then what is empty."""
    if parent.is_symlink() or not parent.is_dir():
        return
    for folder in list(parent.iterdir()):
        if not manifest.is_folder_number(folder.name) or folder.name in named or folder.is_symlink():
            continue
        if not folder.is_dir():
            continue
        for entry in list(folder.iterdir()):
            if entry.name == SCRATCH and entry.is_dir() and not entry.is_symlink():
                remove_tree(entry)
            elif entry.name in ours and (entry.is_symlink() or not entry.is_dir()):
                entry.unlink()
        with suppress(OSError):  # a person's file in it stays, and so does the folder
            folder.rmdir()
    if not named:
        with suppress(OSError):
            parent.rmdir()


def versions() -> dict[str, str]:
    """Of this tool, of Python, and of the libraries that the step loaded."""
    found = {"lstm-cli": __version__, "python": ".".join(map(str, sys.version_info[:3]))}
    for name in _LIBRARIES:
        version = getattr(sys.modules.get(name), "__version__", None)
        if version is not None:
            found[name] = str(version)
    return found
