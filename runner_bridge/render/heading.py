"""The comment that every generated file starts with; by its first line a file of ours is known again."""

from __future__ import annotations

from runner_bridge.core.text.origin import GENERATED


def heading(*says: str, digest: str = "") -> str:
    """
    Return the first lines of a file, as comments.

    Args:
        says: what a person has to know before using the file.
        digest: of the policy; only for a file that holds all of it, so that an edit leaves the other files as they are.
    """
    source = f"policy {digest[:12]}" if digest else "the policy"
    first = f"{GENERATED} from {source}. Change the policy, not this file."
    return "".join(f"{line}\n" for line in (first, *(f"# {each}".rstrip() for each in says)))
