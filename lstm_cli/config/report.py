"""Settings of `lstm report`."""

from dataclasses import dataclass
from pathlib import PurePath

from lstm_cli.config.setting import require_bounds, setting, threads_setting
from lstm_cli.errors import UsageError

REPORT_FORMATS = ("html", "md")
HTML_ENDINGS, MARKDOWN_ENDINGS = (".html", ".htm"), (".md", ".markdown")


@dataclass(frozen=True, kw_only=True)
class ReportConfig:
    """Settings of `lstm report`."""

    output: str | None = setting(
        None,
        "Output file, replaced atomically; - is standard output.",
        "FILE",
        flag="-o --output",
        default_text="NAME-report.html, - with --format md",
    )
    format: str | None = setting(
        None,
        "Output format: a page, or Markdown for a comment in a pull request.",
        choices=REPORT_FORMATS,
        default_text="by file extension, else html",
    )
    threads: int | None = threads_setting()

    def __post_init__(self) -> None:
        require_bounds(self)
        ending = PurePath(self.output or "").suffix.lower()
        if self.format is None and ending not in ("", *HTML_ENDINGS, *MARKDOWN_ENDINGS):
            print_it = ", and print the page to a PDF file from a browser" if ending == ".pdf" else ""
            raise UsageError(
                f"-o '{self.output}' is not the name of an HTML or Markdown file",
                hint=f"name a file such as report.html{print_it}",
                flag="--output",
            )

    @property
    def chosen_format(self) -> str:
        """Return html or md: as requested, else by the suffix of the output, else html."""
        is_markdown = PurePath(self.output or "").suffix.lower() in MARKDOWN_ENDINGS
        return self.format or ("md" if is_markdown else "html")

    def output_for(self, run: str) -> str:
        """Return the output: as requested, else standard output for Markdown, else a file named after the run."""
        if self.output is not None:
            return self.output
        return "-" if self.chosen_format == "md" else f"{PurePath(run).name or 'run'}-report.html"
