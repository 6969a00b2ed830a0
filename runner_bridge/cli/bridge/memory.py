"""
The interpreter, set for a process that keeps one large picture for months, and whose ledger has a thread of its own.

A full collection looks at every object: over 10,000 pods it stopped everything for 95 ms, again and again while they
were listed. So what has come to stay is put out of its sight, and full collections run only on what is new since then,
every ten minutes. Nothing is lost by it: what is dropped is freed by its reference count, in sight or not.
What a list took while it was read, pages of megabytes, is given back to the system where the C library can do that.

A loop that has read or written a socket has to get the interpreter back from the ledger's thread, which by Python's own
setting keeps it for up to 5 ms each time; a patch is a dozen of them.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable

EVERY_S: Final = 600.0
THRESHOLDS: Final = (2_000, 5, 1_000_000)
"""New objects until the youngest are looked at, and how often that until the older ones are; never all by itself."""
TURN_S: Final = 0.0005
"""How long a thread keeps the interpreter while another one waits for it."""


async def tend(listed: Awaitable[None]) -> None:
    """
    Set both; then put out of sight what was imported, the picture, and now and then what a full collection leaves.

    For ever.

    Args:
        listed: ends when the picture is whole for the first time.
    """
    sys.setswitchinterval(TURN_S)
    gc.set_threshold(*THRESHOLDS)
    gc.freeze()
    await listed
    gc.freeze()
    _give_back()
    while True:
        await asyncio.sleep(EVERY_S)  # on the machine's clock, for memory is the machine's
        gc.collect()
        gc.freeze()
        _give_back()


def _give_back() -> None:
    """Have glibc return pages that it holds and nobody uses; other C libraries do it themselves, or not at all."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
