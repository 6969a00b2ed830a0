"""
The only room that writes to the cluster while `run` runs.

A pod that is due is queued once, however often it becomes due; what is due for it is planned when its turn comes, from
the verdict and the pod of that moment. The intent is in the ledger before the act, its outcome after; the intent of a
first label is recorded along with the interval that it follows from. If the ledger cannot be written the error passes
through and ends the process: nothing is done that is not recorded.
"""

from runner_bridge.flow.act.acting import Act, Due, Intended, Tools
from runner_bridge.flow.act.entries import REMEMBERED, settled
from runner_bridge.flow.act.limits import WINDOW_S

__all__ = ["REMEMBERED", "WINDOW_S", "Act", "Due", "Intended", "Tools", "settled"]
