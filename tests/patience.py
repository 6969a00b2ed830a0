"""How long something may take on a machine that has other things to do."""

from __future__ import annotations

import os


def allowed(seconds: float) -> float:
    """
    Return how long may be waited for what takes so long at most on a machine that has nothing else to do.

    Twice the load that its processors can carry makes everything take twice as long. On an idle machine, and in CI
    where nothing runs beside the tests, the promise itself is what is held.
    """
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
