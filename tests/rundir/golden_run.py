"""Golden run: a small run with all artifacts, for tests that read, corrupt and forge files without training."""

import hashlib
import importlib.util
import shutil
from pathlib import Path

from lstm_cli.rundir import manifest

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(path.relative_to(GOLDEN / "run") for path in (GOLDEN / "run").glob("*/*/*"))


def copy_golden_run(to: Path) -> Path:
    """Copy the golden run."""
    return Path(shutil.copytree(GOLDEN / "run", to))


def forge(run: Path, file: Path, data: bytes) -> dict[str, object]:
    """Replace the content of a file, with valid checksums in the manifest and without stale artifacts."""
    (run / file).write_bytes(data)
    steps = manifest.decode_manifest((run / "run.json").read_bytes(), run)
    wrote = {name: made for entry in steps.values() for name, made in entry["wrote"].items()}
    fact = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    wrote[file.parts[0]]["files"][file.name] = fact
    for entry in steps.values():
        for name in entry["read"]:
            if name in wrote:
                entry["read"][name]["sha256"] = manifest.artifact_digest(wrote[name]["files"])
    (run / "run.json").write_bytes(manifest.encode_manifest(steps, run))
    return fact


def write_golden_data(to: Path) -> str:
    """Write the data file of the golden run."""
    spec = importlib.util.spec_from_file_location("golden_make", GOLDEN / "make.py")
    assert spec is not None
    assert spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    to.write_text(make.data())
    return to.name
