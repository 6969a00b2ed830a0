"""
What a job can reach through `*_overwrite_allowed`: decided on the language of the regular expression, not by samples.

Below `policy`, because a policy may ask for an overwrite and gets one only where this proves that it is harmless.
"""
