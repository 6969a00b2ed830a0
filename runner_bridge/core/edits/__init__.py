"""
Declared against live → edits. Pure: what is live is an argument, read by `flow`.

Only what the policy declares is compared, in the form in which its keeper stores it: defaults of the server, the order
of tags and a token that the runner has renewed by itself are no difference. Applied once, nothing is left to change.
"""
