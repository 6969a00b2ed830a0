"""
What happens by itself while `run` runs: the cluster is observed, judged, and acted upon.

`observe` keeps the picture of the cluster, `controller` says what it means and what is due, `act` alone writes to the
cluster. Strangers to `ask`; time, the ledger and the writing half of the cluster are handed in by `cli`.
"""
