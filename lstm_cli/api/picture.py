"""Picture that a notebook shows."""

from dataclasses import dataclass
from os import PathLike, fspath


@dataclass(frozen=True, repr=False)
class Picture:
    """Picture as PNG. A notebook shows it; in a script, `save` writes it.

    Attributes:
        png: Bytes of the PNG file.
    """

    png: bytes

    def save(self, path: str | PathLike[str]) -> None:
        """Write the PNG file, which is replaced atomically. Raise OutputError if it cannot be written."""
        from lstm_cli.rundir import check_output, replace_file

        check_output(fspath(path))
        replace_file(fspath(path), [self.png])

    def _repr_png_(self) -> bytes:
        return self.png

    def __repr__(self) -> str:
        return f"<Picture, {len(self.png):,} bytes of PNG; save(path) writes it>"
