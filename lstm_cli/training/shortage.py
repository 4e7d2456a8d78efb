"""Whether an error says that memory does not suffice."""

import errno

import torch


def is_out_of_memory(error: Exception) -> bool:
    """Whether torch or NumPy could not have the memory that they asked for; the allocator of the CPU has no class."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    return "DefaultCPUAllocator" in text or f"Error code {errno.ENOMEM} " in text
