"""
What `doctor` knows: which rights a purpose takes, and what in a cluster does not fit the policy.

Pure: the answers of the cluster are handed in as values. Rules about one pool's form and about pools beside each other
are those of `core.lint.ip_pools`; here stands what only a live cluster can show.
"""

from __future__ import annotations

from runner_bridge.core.doctor.picture import Picture, examine
from runner_bridge.core.doctor.quarantine import Acting, examine_quarantine
from runner_bridge.core.doctor.rights import Purpose, Right, missing, rights_for

__all__ = ["Acting", "Picture", "Purpose", "Right", "examine", "examine_quarantine", "missing", "rights_for"]
