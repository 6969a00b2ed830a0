"""A pretend world: today recorded job pods for the demo; it imports neither `ports` nor `core.wire`."""
