"""
Every key that GitLab Runner 19.4 reads from config.toml, and its type, as data.

From common/config.go of GitLab Runner (and cache/cacheconfig, helpers/docker, helpers/ssh, referees for the tables that
it borrows). `complete` says that the list of a section is whole: there, another key is one that the runner ignores. In
the sections that only other executors use a newer runner may know keys that are not here, so only a misspelling counts.
"""

from runner_bridge.core.lint.runner_keys.kubernetes import KUBERNETES
from runner_bridge.core.lint.runner_keys.names import ALIASES, EXECUTORS, FEATURE_FLAGS, NEVER, REMOVED, REMOVED_FLAGS
from runner_bridge.core.lint.runner_keys.root import ROOT, RUNNER
from runner_bridge.core.lint.runner_keys.section import Section, Type

__all__ = [
    "ALIASES",
    "EXECUTORS",
    "FEATURE_FLAGS",
    "KUBERNETES",
    "NEVER",
    "REMOVED",
    "REMOVED_FLAGS",
    "ROOT",
    "RUNNER",
    "Section",
    "Type",
]
