"""
Who could run whose jobs, by what GitLab says of projects and runners, against what the policy says. Pure.

Only what may happen is looked at, not what did: a runner that could take a job counts, whether it ever has or not. What
was not seen is told beside what was found; without a word about it nothing is proven.
"""
