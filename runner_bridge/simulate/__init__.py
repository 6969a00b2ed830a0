"""A pretend world: recorded job pods, and an API server on loopback; it reads nothing with the bridge's own eyes."""
