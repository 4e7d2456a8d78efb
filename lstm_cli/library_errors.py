"""Classification of errors of other libraries. Some have no class of their own, so their messages are parsed."""

import errno
import re

_OUT_OF_MEMORY = re.compile(
    r"(out of|cannot allocate|can't allocate|not enough) memory|bad_?alloc|failed to (allocate|map segment)"
    rf"|DefaultCPUAllocator|Error code {errno.ENOMEM}\b",
    re.IGNORECASE,
)
_LOST_PROCESS = re.compile("gloo|NCCL|peer")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means out of memory, whether raised by Python, the system or torch."""
    is_torch_error = type(error).__name__ == "OutOfMemoryError"  # by name, because torch is not loaded here
    if isinstance(error, MemoryError) or is_torch_error:
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError | ImportError) and _OUT_OF_MEMORY.search(str(error)) is not None


def is_refused_allocation(error: Exception) -> bool:
    """Return whether ONNX Runtime could not allocate memory."""
    return "alloc" in str(error).splitlines()[0]


def is_cut_short(error: UnicodeDecodeError) -> bool:
    """Return whether the text ends in the middle of a character."""
    return error.reason in ("unexpected end of data", "truncated data")


def usage_message(text: str) -> str:
    """Return the message of Typer about a wrong command line in our style, without its suggestion.

    >>> usage_message("No such option: --foo (Possible options: --force)")
    "no such option '--foo'"
    """
    text = re.sub(r"\s*\((Possible options:|Did you mean) .*\)$", "", text)
    text = re.sub(r": (-\S+)$", r" '\1'", text.strip().removesuffix("."))
    text = re.sub(
        r"^Got unexpected extra argument(?:s|\(s\))? \((\S+).*\)$", r"unexpected argument '\1'", text
    )
    return text[:1].lower() + text[1:]


def is_lost_process(error: RuntimeError) -> bool:
    """Return whether gloo or NCCL lost the connection to another process of a training."""
    return _LOST_PROCESS.search(str(error)) is not None


def is_too_many_digits(error: ValueError) -> bool:
    """Return whether Python refused to parse a number because it has too many digits."""
    return "digits" in str(error)


def is_open_quote(error: Exception) -> bool:
    """Return whether csv.reader reached the end of the text inside quotes."""
    return "unexpected end" in str(error)


def is_long_cell(error: Exception) -> bool:
    """Return whether csv.reader refused a cell because it is too long."""
    return "field limit" in str(error)


def is_truncated_stream(error: Exception) -> bool:
    """Return whether pyarrow reached the end of compressed data too early."""
    return "Truncated" in str(error)


def is_memory_limit(error: Exception) -> bool:
    """Return whether lzma or zstd refused data because decompressing them needs too much memory."""
    return re.search("memory usage limit|too much memory", str(error), re.IGNORECASE) is not None
