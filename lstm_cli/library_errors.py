"""What errors of other libraries mean. Some have no class of their own, so their messages are read, here alone."""

import errno
import re

_OUT_OF_MEMORY = re.compile(
    r"(out of|cannot allocate|can't allocate|not enough) memory|bad_?alloc|failed to (allocate|map segment)"
    rf"|DefaultCPUAllocator|Error code {errno.ENOMEM}\b",
    re.IGNORECASE,
)
_LOST_PROCESS = re.compile("gloo|NCCL|peer")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory was refused: by Python, the system, torch, or a library that could not be loaded."""
    torchs_own = type(error).__name__ == "OutOfMemoryError"  # by its name: torch is not loaded here
    if isinstance(error, MemoryError) or torchs_own:
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError | ImportError) and _OUT_OF_MEMORY.search(str(error)) is not None


def is_refused_allocation(error: Exception) -> bool:
    """Return whether ONNX Runtime could not allocate memory."""
    return "alloc" in str(error).splitlines()[0]


def is_cut_short(error: UnicodeDecodeError) -> bool:
    """Return whether a text ends within a character."""
    return error.reason in ("unexpected end of data", "truncated data")


def usage_message(text: str) -> str:
    """Return what Typer says of a wrong command line, without its guess and as our messages are written.

    >>> usage_message("No such option: --foo (Possible options: --force)")
    "no such option '--foo'"
    """
    text = re.sub(r"\s*\((Possible options:|Did you mean) .*\)$", "", text)
    text = re.sub(r": (-\S+)$", r" '\1'", text.strip().removesuffix("."))
    return text[:1].lower() + text[1:]


def is_lost_process(error: RuntimeError) -> bool:
    """Return whether gloo or NCCL cannot reach another process of a training."""
    return _LOST_PROCESS.search(str(error)) is not None


def is_too_many_digits(error: ValueError) -> bool:
    """Return whether Python refused to read a number because of its length."""
    return "digits" in str(error)


def is_open_quote(error: Exception) -> bool:
    """Return whether csv.reader came to the end of a text within quotes."""
    return "unexpected end" in str(error)


def is_long_cell(error: Exception) -> bool:
    """Return whether csv.reader refused a cell because of its length."""
    return "field limit" in str(error)
