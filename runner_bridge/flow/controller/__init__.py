"""The loop: what the picture says → verdicts → the ledger → what is due."""
