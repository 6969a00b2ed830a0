"""The outside world, one module per neighbour; each translates errors once."""
