"""
The HTTP side of a running bridge: health, metrics, and the answers of `ask.answers` as JSON.

`make_app` puts the routes together from what `cli` hands in, `serve` listens. Only GET and HEAD, no body is read, and
nothing in the cluster can be changed from here. Each request passes through one gate (`access`), which decides who asks
and with what role; a path that no role is written for is refused. The one exception is `ask.hooks`, where GitLab posts
what changed: it authenticates itself, and what it takes is a hint.
"""

from __future__ import annotations

from runner_bridge.ask.web.access import Asker, Role, Token, digest_of, read_tokens
from runner_bridge.ask.web.app import ROUTES, Route, make_app
from runner_bridge.ask.web.serving import serve
from runner_bridge.ask.web.sources import Sources, WhoHad

__all__ = [
    "ROUTES",
    "Asker",
    "Role",
    "Route",
    "Sources",
    "Token",
    "WhoHad",
    "digest_of",
    "make_app",
    "read_tokens",
    "serve",
]
