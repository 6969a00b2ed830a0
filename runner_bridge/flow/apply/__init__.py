"""
Declared against live: read what is live for a plan, and make a plan real.

Reading never raises for what lies outside: it is said in the result, so that the rest of a plan holds. Applying records
each step before it is done, may be cut off anywhere, and is finished by running it again.
"""

from __future__ import annotations

from runner_bridge.flow.apply.applying import Applying, Line, Tools
from runner_bridge.flow.apply.book import Book
from runner_bridge.flow.apply.live import Neighbours, read_known, read_live

__all__ = ["Applying", "Book", "Line", "Neighbours", "Tools", "read_known", "read_live"]
