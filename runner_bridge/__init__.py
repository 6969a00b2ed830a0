"""
Declare which CI jobs leave through which Calico pool, generate what is needed, prove it for every job pod.

The rooms, from top to bottom (an importer stands above what it imports): `cli`, then `ask`, then `ports` and
`render`, then `core`. `docs/explanation/design.md` says what each is for.
"""

__version__ = "0.1.0"
