"""Memory that is kept for reuse instead of being handed back to the system after every tensor.

glibc maps each large block anew and unmaps it when freed; the page faults that follow are dear,
most of all on a virtual machine. Elsewhere than on glibc this does nothing.
"""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # mallopt's parameter numbers, from malloc.h


def keep_memory() -> None:
    """Tell the C allocator to keep what it has. Called once, by the commands."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(TRIM_THRESHOLD, 2**31 - 1)
    mallopt(MMAP_MAX, 0)
