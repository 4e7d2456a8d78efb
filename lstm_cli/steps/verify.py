"""Step `verify`: a check of every artifact, with the command that makes a corrupt one again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstm_cli.errors import CorruptArtifact
from lstm_cli.events import Listener, Progressed
from lstm_cli.rundir import ARTIFACTS, Verdict, files_to_verify, open_run, verify_run
from lstm_cli.rundir.status import verify_ledger
from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import to_plain
from lstm_cli.wording import count_noun


@dataclass(frozen=True, kw_only=True)
class VerifyReport(HtmlReport):
    """Report of `verify`."""

    run: str
    artifacts: tuple[dict[str, Any], ...]  # with artifact, folder, files, size, state, findings, rebuild
    files: int
    size: int  # bytes
    broken: tuple[str, ...]  # corrupt or unreadable artifacts; folders of earlier models
    stale: tuple[str, ...]  # intact artifacts whose sources changed
    rebuild: tuple[str, ...]  # commands that repair the run, in order

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self)


def verify(run: Path, listen: Listener) -> VerifyReport:
    """Check size and sha256 of every file that `run.json` names, and the ledger. Takes no lock and changes nothing.

    Raises:
        MissingArtifact, ForeignFolder: the folder is empty or not a run directory.
        CorruptArtifact: `run.json` or an artifact is corrupt. For an artifact, its `report` is the VerifyReport.
    """
    done = 0

    def report_progress(size: int) -> None:
        nonlocal done
        done += size
        listen(Progressed(stage="checking", done=done, total=total, unit="bytes"))

    with open_run(run) as opened:
        total = sum(size for _, size in files_to_verify(opened))
        verdicts = verify_run(opened, report_progress)
    ledger = verify_ledger(run)
    verdicts = (*verdicts, *(() if ledger is None else (ledger,)))
    report = _report(run, verdicts)
    if report.broken:
        titles = ", ".join(_title(verdict) for verdict in verdicts if verdict.broken)
        error = CorruptArtifact(
            f"{run} has {count_noun(len(report.broken), 'corrupt artifact')}: {titles}",
            hint="run " + ", then ".join(f"'{line}'" for line in report.rebuild),
        )
        error.report = report
        raise error
    return report


def _report(run: Path, verdicts: tuple[Verdict, ...]) -> VerifyReport:
    lines = []
    for verdict in verdicts:
        values = {name: getattr(verdict, name) for name in ("artifact", "folder", "files", "size", "state")}
        lines.append(values | {"findings": verdict.findings, "rebuild": verdict.rebuild})
    return VerifyReport(
        run=str(run),
        artifacts=tuple(lines),
        files=sum(verdict.files for verdict in verdicts),
        size=sum(verdict.size for verdict in verdicts),
        broken=tuple(
            verdict.artifact if verdict.version is None else verdict.folder
            for verdict in verdicts
            if verdict.broken
        ),
        stale=tuple(verdict.artifact for verdict in verdicts if verdict.state == "stale"),
        rebuild=tuple(dict.fromkeys(verdict.rebuild for verdict in verdicts if verdict.rebuild)),
    )


def _title(verdict: Verdict) -> str:
    version = "" if verdict.version is None else f", version {verdict.version}"
    title = ARTIFACTS[verdict.artifact].title if verdict.artifact in ARTIFACTS else verdict.artifact
    return title + version
