"""
The policy: text with positions (`source`) → shape (`schema`) → meaning (`compile`) → frozen `Policy` (`model`).

Others import this package only.
"""
