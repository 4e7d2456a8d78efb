"""Step `export`: the model or its data as a file for other programs, with a JSON file that describes it.

The step reads a snapshot of the run and takes no lock. Files in `exports/` are not artifacts: no step reads them.
"""

import shutil
from pathlib import Path, PurePath
from typing import Any

from lstm_cli import __version__
from lstm_cli.config import ExportConfig
from lstm_cli.config.extras import require_installed
from lstm_cli.errors import OutputError, UsageError
from lstm_cli.events import Listener
from lstm_cli.export.formats import Format, require_ending
from lstm_cli.export.metadata import metadata_text
from lstm_cli.rundir import (
    EXPORTS,
    Run,
    check_output,
    exports_folder,
    open_replacement,
    open_run,
    replace_file,
)
from lstm_cli.steps.export.content import ExportReport
from lstm_cli.steps.export.work import WORK, ExportWork
from lstm_cli.steps.shared.report_json import plain_value
from lstm_cli.tasks.settle import require_verb, task_of


def export(run: Path, config: ExportConfig, listen: Listener) -> ExportReport:
    """Write the file and its JSON description to config.output, or into `exports/` of the run.

    Args:
        run: run directory.
        config: settings of `export`.
        listen: receives events.

    Raises:
        UsageError: the format does not support the model, or its extra is not installed.
        MissingArtifact, StaleArtifact: no model of the current data, or none of the precision.
        OutputError: the output cannot be written.
    """
    with open_run(run) as opened:
        work = export_work(opened, config)
        format = work.formats[config.to]
        if format.is_keras:
            require_installed(f"--to {config.to}", "keras", "h5py")
        model = work.load(opened, config)
        if config.output is None:
            exports_folder(run)
        output, about = output_names(run, config, format)
        for path in (output, about):
            check_output(path, run=run, exported=True)
        content = work.content(opened, config, model, listen)
        _require_free_space(output, content.size)
        with open_replacement(output) as stream:
            content.write(stream)
        facts = _origin(opened, config, format, output) | content.facts
        task = task_of(opened).name
    replace_file(about, [metadata_text(plain_value(facts)).encode()])
    return ExportReport(
        run=str(run),
        task=task,
        to=config.to,
        output=str(output),
        about=str(about),
        size=facts["size"],
        model=content.model,
        precision=config.precision if content.holds_model else None,
        shapes=content.shapes,
        bounds=facts.get("bounds", {}).get("reason") or None,
        difference=content.difference,
        compared=content.compared,
        warnings=(),
        findings=(),
    )


def export_work(run: Run, config: ExportConfig) -> ExportWork:
    """Return the functions for the task of a run.

    Raises UsageError if the task has no such format, or the name of the output belongs to another one.
    """
    require_verb(run, "export")
    task = task_of(run)
    work = WORK[task.name]
    if config.to not in work.formats:
        raise UsageError(
            f"--to {config.to} does not support {task.title}: {work.unsupported}",
            hint=f"use --to {', '.join([*work.formats][:-1])} or {[*work.formats][-1]}",
            flag="--to",
        )
    if config.output is not None:
        require_ending(config.to, config.output)
    return work


def output_names(run: Path, config: ExportConfig, format: Format) -> tuple[Path, Path]:
    """Return the output file and its JSON file.

    Args:
        run: run directory.
        config: settings of `export`.
        format: format of the file.
    """
    file = PurePath(format.file)
    if config.precision != "fp32":
        file = file.with_suffix(f".{config.precision}{file.suffix}")
    output = run / EXPORTS / file if config.output is None else Path(config.output)
    return output, output.with_name(f"{output.name}.json")


def _origin(run: Run, config: ExportConfig, format: Format, output: Path) -> dict[str, Any]:
    """Return the facts about the file: name, size, how to open it, and the digests of its sources."""
    sources = ("data", "model") if config.precision == "fp32" else ("data", "model", "quantized")
    return {
        "format": config.to,
        "file": output.name,
        "size": output.stat().st_size,
        "opens": format.open_code.format(file=output.name),
        "written_by": f"lstm {__version__}",
        "made_from": {name: run.digest(name) for name in sources if run.has(name)},
    }


def _require_free_space(output: Path, size: int) -> None:
    """Raise OutputError if the disk has less free space than the output needs."""
    free = shutil.disk_usage(output.parent).free
    if size > free:
        raise OutputError(
            f"cannot write {output}: not enough disk space "
            f"({size / 1e6:,.1f} MB needed, {free / 1e6:,.1f} MB free)",
            hint="free some space, or choose another place with -o",
        )
