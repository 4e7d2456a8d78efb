"""Writer of a step: new folders, their commit with one rename, and the cleanup of old folders."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lstm_cli import __version__
from lstm_cli.errors import ArtifactError, OutputError
from lstm_cli.os_errors import as_output_error
from lstm_cli.rundir import manifest
from lstm_cli.rundir.artifact_folder import ArtifactFolder
from lstm_cli.rundir.filesystem import remove_tree, retry_on_eintr, sync_folder, write_durably
from lstm_cli.rundir.layout import ARTIFACTS, MANIFEST, MANIFEST_BROKEN, MANIFEST_TEMPORARY
from lstm_cli.rundir.leftovers import tidy_artifact
from lstm_cli.rundir.manifest import versions
from lstm_cli.rundir.open import open_run, require_own
from lstm_cli.rundir.reader import Run

_TIME_FORM = "%Y-%m-%dT%H:%M:%SZ"
_LIBRARIES = ("numpy", "torch", "onnx", "onnxruntime", "safetensors", "pyarrow", "sklearn")


class Writer:
    """Writer of a step. `new` makes folders to fill, and `commit` makes them part of the run. See `writing`."""

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
        self.sources = sources  # source of each setting that is not a default; None: unknown
        self.run = run  # run before this step; None for a new run
        self._set_aside = set_aside  # the current manifest is corrupt
        self._made = made  # folders made for the run, outermost first
        self._folders: dict[str, ArtifactFolder] = {}
        self._parents: list[Path] = []  # new artifact folders
        self._steps: Mapping[str, Any] = run.steps if run else {}
        self._models: Sequence[dict[str, Any]] = run.models if run else ()
        self._manifest: bytes | None = None  # set when the rename starts
        self._owner = os.getpid()
        self._began = (time.time(), time.monotonic())

    def new(self, name: str) -> ArtifactFolder:
        """Make a new numbered folder for an artifact, to be filled before `commit`.

        Raises:
            ValueError: this step does not write the artifact, or opened it twice.
            ForeignFolder: the folder of the artifact is a link or a file.
            OutputError: the system refuses.
        """
        artifact = ARTIFACTS[name]
        if artifact.made_by != self.step or name in self._folders:
            raise ValueError(
                f"bug: 'lstm {self.step}' does not write the artifact '{name}', or opened it twice"
            )
        parent = self.path / name
        require_own(parent)
        with as_output_error(parent):
            try:
                retry_on_eintr(os.mkdir, parent)
                self._parents.append(parent)
            except FileExistsError:
                pass
            path = next_folder(parent, above=self._highest_number(name))
            retry_on_eintr(os.mkdir, path)
        self._folders[name] = ArtifactFolder(artifact, path)
        return self._folders[name]

    def _highest_number(self, name: str) -> int:
        """Return the highest number of an artifact that `run.json` lists, because its folder can be missing."""
        named = versions.named_folders(name, self._steps, self._models)
        listed = [record["folder"] for record in self._models] if name == "model" else []
        return max(map(int, [*named, *listed]), default=0)

    def switch_step(self, step: str, *, sources: Mapping[str, str] | None = None) -> None:
        """Continue as another step under the same lock. `run` is then the run with the commits of the last step."""
        if self._folders:
            raise ValueError(f"'lstm {self.step}' has not committed {', '.join(self._folders)}")
        self.step, self.sources = step, sources
        if self.run is not None:
            before, self.run = self.run, open_run(self.path)
            before.close()
        self._began = (time.time(), time.monotonic())

    def commit(
        self,
        *,
        config: Mapping[str, Any],
        reads: Mapping[str, str | Mapping[str, Any] | None],
        report: Mapping[str, Any],
        seed: int | None = None,
        device: str | None = None,
        keep: int = 1,
        made_by: str | None = None,
    ) -> None:
        """Commit the new folders with one rename of `run.json`.

        Args:
            config: Settings of the step.
            reads: Inputs of the step. The value of an artifact is its digest, or None if no up-to-date one was found.
                The value of another input is {"sha256": ..., "size": bytes}.
            report: Report that `--json` prints.
            seed: Random seed of the step.
            device: Device of the step.
            keep: Models whose folders are kept, if the step writes one; 1: only the new one.
            made_by: Verb that made the model, if it is not the step.

        Raises:
            ValueError: a number is NaN or infinite, or files were not written as declared.
            OutputError: the system refuses. Nothing changes before the rename.
        """
        wrote = {name: folder.finish() for name, folder in self._folders.items()}
        entry = {
            "config": dict(config),
            "sources": None if self.sources is None else dict(self.sources),
            "read": {name: self._describe_input(name, fact) for name, fact in reads.items()},
            "wrote": wrote,
            "versions": library_versions(),
            "seed": seed,
            "device": device,
            "times": self._times(),
            "report": dict(report),
        }
        steps, models = {**self._steps, self.step: entry}, self._models
        if "model" in wrote:
            models = versions.add_version(
                models, self._steps, steps, keep=keep, made_by=made_by or self.step, broken=self._broken()
            )
        self._commit(steps, models)

    def roll_back(self, folder: str, *, with_quantized: bool = True) -> None:
        """Make a kept version of the model the current one, with one rename of `run.json`.

        Args:
            folder: Folder of the version.
            with_quantized: Make its quantized model the current one too, if that is kept; else it is removed.

        Raises:
            OutputError: the system refuses. Nothing changes before the rename.
        """
        now = time.strftime(_TIME_FORM, time.gmtime())
        changed = versions.roll_back(
            self._models, self._steps, folder, now=now, with_quantized=with_quantized
        )
        self._commit(*changed)

    def drop_version(self, folder: str) -> None:
        """Remove the folders of an earlier version of the model. Raise OutputError."""
        self._commit(self._steps, versions.drop_version(self._models, folder))

    @property
    def current_version(self) -> int:
        """Return the number of the current version of the model, with the commits of this writer."""
        return versions.version_number(versions.list_versions(self._steps, self._models)[-1])

    def add_verdict(
        self, verdict: Mapping[str, Any], *, since: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        """Add a verdict of `refresh` to the current version of the model, with one rename. Raise OutputError.

        Args:
            verdict: Facts about the night.
            since: What models scored since their training, by digest; None: unknown.
        """
        models = versions.add_verdict(self._steps, self._models, verdict)
        self._commit(self._steps, versions.add_since(self._steps, models, since or {}))

    def add_since(self, since: Mapping[str, Mapping[str, Any]]) -> None:
        """Store what models scored since their training, by digest, with one rename if it has changed.

        Raises:
            OutputError: the system refuses.
        """
        before = versions.list_versions(self._steps, self._models)
        models = versions.add_since(self._steps, self._models, since)
        if models != before:
            self._commit(self._steps, models)

    def _broken(self) -> set[str]:
        """Return the steps of the current model whose artifacts are corrupt, so that they cannot serve again."""
        broken = set()
        for step, name in (("train", "model"), ("quantize", "quantized")):
            try:
                if self.run is not None and self.run.has(name):
                    self.run.artifact(name).verify()
            except ArtifactError:
                broken.add(step)
        return broken

    def _commit(self, steps: Mapping[str, Any], models: Sequence[dict[str, Any]]) -> None:
        data = manifest.encode_manifest(steps, self.path, models=models)
        self._replace_manifest(data)
        self._steps, self._models = steps, models
        self._folders, self._parents = {}, []
        self._manifest, self._set_aside = None, False  # reset for the next commit
        self.tidy()

    def tidy(self) -> None:
        """Remove folders that are not in `run.json`: replaced ones, and those of killed writers."""
        if self._set_aside or self._manifest is not None:
            return  # a corrupt manifest, or a commit that failed: the folders that `run.json` names are unknown
        with suppress(OSError):
            (self.path / MANIFEST_TEMPORARY).unlink(missing_ok=True)
        for name, artifact in ARTIFACTS.items():
            previous = self.run.producer_entry(name).get("wrote", {}).get(name, {}) if self.run else {}
            files = {*artifact.files, *previous.get("files", {})}
            with suppress(OSError, OutputError):  # the next writer tries again
                kept = versions.named_folders(name, self._steps, self._models)
                tidy_artifact(self.path, name, kept, files)

    def abandon(self) -> None:
        """Remove the folders that were not committed. The next commit continues from the last one without an error."""
        if os.getpid() != self._owner:
            return  # a fork of the writing process that failed
        folders, parents = self._folders, self._parents
        self._folders, self._parents = {}, []
        for folder in folders.values():
            folder.close()
        if self._manifest is not None and self._is_in_place():
            return  # an error or a signal came after the rename: the new folders are committed
        with suppress(OSError):
            (self.path / MANIFEST_TEMPORARY).unlink(missing_ok=True)
        for folder in folders.values():
            with suppress(OSError):
                remove_tree(folder.folder)
        for path in reversed(parents):
            with suppress(OSError):
                path.rmdir()

    def _replace_manifest(self, data: bytes) -> None:
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
            sync_folder(self.path)  # new folders must be durable before a manifest lists them
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
        """Return whether `run.json` is from this step. In doubt return True, because an extra folder does no harm."""
        try:
            return (self.path / MANIFEST).read_bytes() == self._manifest
        except FileNotFoundError:
            return False
        except OSError:
            return True

    def _describe_input(self, name: str, fact: str | Mapping[str, Any] | None) -> Mapping[str, Any]:
        if fact is None:
            return {"sha256": manifest.ABSENT_DIGEST, "size": 0}
        if not isinstance(fact, str):
            return dict(fact)
        if self.run is None or self.run.digest(name) != fact:
            raise ValueError(f"the digest {fact} of '{name}' is not the digest in the run")
        files = self.run.artifact(name).files.values()
        return {"sha256": fact, "size": sum(file["size"] for file in files)}

    def _times(self) -> dict[str, Any]:
        return {
            "started": time.strftime(_TIME_FORM, time.gmtime(self._began[0])),
            "finished": time.strftime(_TIME_FORM, time.gmtime()),
            "seconds": round(time.monotonic() - self._began[1], 3),
        }


def next_folder(parent: Path, *, above: int = 0) -> Path:
    """Return the next numbered folder in `parent`, with a number above `above`. Raise OSError if it cannot be read."""
    try:
        numbers = [
            int(entry) for entry in retry_on_eintr(os.listdir, parent) if manifest.is_folder_number(entry)
        ]
    except FileNotFoundError:
        numbers = []
    return parent / f"{max([*numbers, above]) + 1:04d}"


def library_versions() -> dict[str, str]:
    """Return the versions of this tool, of Python, and of the loaded libraries."""
    loaded = {"lstm-cli": __version__, "python": ".".join(map(str, sys.version_info[:3]))}
    for name in _LIBRARIES:
        version = getattr(sys.modules.get(name), "__version__", None)
        if version is not None:
            loaded[name] = str(version)
    return loaded
