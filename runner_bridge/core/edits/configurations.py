"""What the managers of an installation read, as it is and as the policy says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.model.codes import plan as codes
from runner_bridge.core.model.edit import Deed, Edit, Part
from runner_bridge.core.model.finding import Finding
from runner_bridge.core.policy.model import StoreKind
from runner_bridge.core.text.difference import difference

if TYPE_CHECKING:
    from runner_bridge.core.edits.live import LiveConfiguration
    from runner_bridge.core.policy.model import Installation


def compare(installation: Installation, live: LiveConfiguration) -> Edit | Finding | None:
    """
    Return what has to change of a configuration; None: nothing. A finding: it could not be compared. Never raises.

    One that somebody else writes (a Helm release, Argo CD) is not fought over: they are told what to change.
    """
    where = str(installation.configuration)
    if live.trouble:
        return Finding(
            code=codes.CONFIGURATION_UNSEEN,
            subject=f"installation {installation.name}",
            place=installation.place,
            cause=live.trouble,
        )
    if live.before == live.after and not live.is_unconfirmed:
        return None
    why = "There is none yet." if live.before is None else "It does not say what the policy says."
    if live.before == live.after:
        why = "An apply was cut off before its managers had loaded it: it is put back and written again."
    if live.owner:
        why = f"It belongs to {live.owner}: change it there."
    return Edit(
        deed=Deed.TELL if live.owner else Deed.CREATE if live.before is None else Deed.UPDATE,
        part=Part.CONFIGURATION,
        name=installation.name,
        where=where,
        why=why,
        text=difference(where, live.before or "", live.after),
        is_confirmable=is_confirmable(installation),
    )


def is_confirmable(installation: Installation) -> bool:
    """Tell whether its managers can say that they have loaded it; values in a checkout are rolled out by others."""
    heard = installation.metrics or installation.logs
    return bool(heard) and installation.configuration.kind is not StoreKind.VALUES
