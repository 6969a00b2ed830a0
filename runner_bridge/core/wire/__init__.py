"""
Bytes of other programs' JSON → values of `core.model`; the only room that knows how they lie on the wire.

A field that is not needed is never built. One object that cannot be read loses nothing but itself, and is said; a text
that is no JSON is a `WireError`. Nothing else is ever raised.
"""
