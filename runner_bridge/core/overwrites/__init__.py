"""
What a job can reach through `*_overwrite_allowed`: decided on the language of the regular expression, not by samples.

Below `policy`, because a policy may ask for an overwrite and gets one only where this proves that it is harmless.
`decide` gives the verdict with its witness, `findings` the same for `lint`.
"""

from runner_bridge.core.overwrites.decision import Decision, Verdict, Witness, decide
from runner_bridge.core.overwrites.questions import Setting
from runner_bridge.core.overwrites.report import findings

__all__ = ["Decision", "Setting", "Verdict", "Witness", "decide", "findings"]
