"""A live bridge: its rooms chosen and wired, for `run` and for `demo`, and what it is driven by."""
