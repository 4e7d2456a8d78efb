"""Tests that a run of an earlier release loads in this release.

golden/run is a run of schema 2, made by golden/make.py. It must not be made again. A change of the format needs a
migration (`rundir/manifest/migrations.py` for the manifest), and another golden run of the previous release.
"""

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from golden_run import GOLDEN

from lstm_cli.config import PredictConfig
from lstm_cli.errors import ArtifactError, CorruptArtifact, MissingArtifact
from lstm_cli.events import ignore_events
from lstm_cli.inference.trained_model import load_intervals, load_linear, load_model
from lstm_cli.rundir import manifest, open_run
from lstm_cli.rundir.manifest.migrations import MIGRATIONS, SCHEMA
from lstm_cli.steps.predict import predict
from lstm_cli.steps.show_config import config
from lstm_cli.steps.tune.record import read_search
from lstm_cli.steps.verify import verify


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """Return a copy of the golden run."""
    return Path(shutil.copytree(GOLDEN / "run", tmp_path / "run"))


def rewrite_manifest(run: Path, *, schema: int) -> None:
    """Rewrite the manifest in another schema."""
    document = json.loads((run / "run.json").read_bytes())
    del document["checksum"]
    document["schema"] = schema
    for entry in document["steps"].values():
        if schema == 1:
            del entry["sources"]
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    digest = hashlib.sha256(body).hexdigest().encode()
    (run / "run.json").write_bytes(b'{"checksum":"' + digest + b'",' + body[1:])


def forecast(run: Path, output: Path) -> list[list[str]]:
    settings = PredictConfig(output=str(output), precision="fp32", threads=1)
    predict(run, None, settings, ignore_events)
    return [line.split(",") for line in output.read_text().splitlines()]


def test_the_golden_run_is_intact_and_loads(golden: Path) -> None:
    report = verify(golden, ignore_events)
    assert report.broken == report.stale == ()
    assert [line["artifact"] for line in report.artifacts] == ["data", "model", "tune", "quantized"]
    with open_run(golden) as run:
        model = load_model(run)
        assert (model.name, model.lookback, model.schema.horizon) == ("segment", 14, 7)
        assert load_intervals(run) is not None
        assert load_linear(run, validated=True).lookback == 14
    assert [trial["number"] for trial in read_search(golden).trials] == [0, 1]


@pytest.mark.parametrize("schema", [1, 2])
def test_the_forecast_has_not_changed(golden: Path, tmp_path: Path, schema: int) -> None:
    rewrite_manifest(golden, schema=schema)
    actual = forecast(golden, tmp_path / "forecast.csv")
    expected = [line.split(",") for line in (GOLDEN / "forecast.csv").read_text().splitlines()]
    assert [row[:2] for row in actual] == [row[:2] for row in expected]
    assert actual[0] == expected[0]
    numbers = [np.array([row[2:] for row in rows[1:]], dtype=float) for rows in (actual, expected)]
    np.testing.assert_allclose(numbers[0], numbers[1], rtol=1e-4)


def test_sample_paths_need_another_training(golden: Path) -> None:
    with pytest.raises(MissingArtifact, match="a release without sample paths") as refused:
        predict(golden, None, PredictConfig(samples=2), ignore_events)
    assert refused.value.hint == f"run 'lstm train {golden} --force' to add them"


def test_quantiles_come_from_the_symmetric_intervals_with_a_warning(golden: Path, tmp_path: Path) -> None:
    output = tmp_path / "forecast.csv"
    settings = PredictConfig(
        output=str(output), precision="fp32", threads=1, quantiles=(0.1, 0.5, 0.75), level=(80, 90)
    )
    report = predict(golden, None, settings, ignore_events)
    header, *rows = (line.split(",") for line in output.read_text().splitlines())
    columns = {
        name: np.array(cells, dtype=float) for name, *cells in zip(header, *rows, strict=True) if "_" in name
    }
    expected = forecast(golden, tmp_path / "default.csv")
    middle = np.array([row[2] for row in expected[1:]], dtype=float)
    assert [list(columns["sales_q50"]), list(columns["sales_q10"])] == [
        list(middle),
        list(columns["sales_lo80"]),
    ]
    assert ((middle < columns["sales_q75"]) & (columns["sales_q75"] < columns["sales_hi80"])).all()
    assert (columns["sales_lo90"] < columns["sales_lo80"]).all()
    assert [finding["rule"] for finding in report.findings] == ["M120"]
    assert f"'lstm train {golden} --force'" in report.warnings[0]


def test_an_older_manifest_has_unknown_sources(golden: Path) -> None:
    assert config(golden).steps["train"]["hidden"] == {"value": [4], "source": "flag"}
    rewrite_manifest(golden, schema=1)
    before = (golden / "run.json").read_bytes()
    assert config(golden).steps["train"]["hidden"] == {"value": [4], "source": "not recorded"}
    assert (golden / "run.json").read_bytes() == before  # reading does not rewrite the file


def test_a_newer_schema_is_refused_with_the_reason(golden: Path) -> None:
    rewrite_manifest(golden, schema=SCHEMA + 1)
    with pytest.raises(ArtifactError, match="newer release") as caught:
        open_run(golden)
    assert caught.value.exit_code == 4
    assert not isinstance(caught.value, CorruptArtifact)


@pytest.mark.parametrize("schema", [0, -1, True, None, "2", 1.0, [1]])
def test_an_invalid_schema_is_refused(golden: Path, schema: object) -> None:
    document = {"format": manifest.FORMAT, "schema": schema, "steps": {}}
    body = json.dumps(document, separators=(",", ":")).encode() + b"\n"
    digest = hashlib.sha256(body).hexdigest().encode()
    with pytest.raises(CorruptArtifact, match="the schema is missing"):
        manifest.decode_manifest(b'{"checksum":"' + digest + b'",' + body[1:], golden)


def test_each_older_schema_has_a_migration() -> None:
    assert set(MIGRATIONS) == set(range(1, SCHEMA))


def test_a_forecast_loads_no_heavy_packages_and_writes_no_other_files(golden: Path, tmp_path: Path) -> None:
    """A new process loads neither torch nor the table reader, and libraries create no files."""
    folders = {name: tmp_path / name for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME")}
    for folder in folders.values():
        folder.mkdir()
    environ = {
        name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")
    }
    program = (
        "import sys\n"
        "from lstm_cli.cli.main import run\n"
        "assert run(['predict', sys.argv[1], '--threads', '1']) == 0\n"
        "print(sorted(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(golden)],
        env=environ | {name: str(folder) for name, folder in folders.items()},
        capture_output=True,
        text=True,
        check=True,
        timeout=1200,
    )
    assert not [path for folder in folders.values() for path in folder.rglob("*")]
    modules = set(ast.literal_eval(done.stderr.splitlines()[-1]))
    heavy = {
        "statistics",
        "torch",
        "pandas",
        "sklearn",
        "scipy",
        "joblib",
        "onnx",
        "pyarrow",
        "matplotlib",
        "rich",
    }
    reader = {
        f"lstm_cli.data.{name}"
        for name in ("reading.table", "reading.csv_rows", "build.assemble", "grid.regular_grid")
    }
    assert (
        not (heavy | reader | {"lstm_cli.training.setup.hyperparameters", "lstm_cli.linear.ensemble"})
        & modules
    )
    assert "onnxruntime" in modules
