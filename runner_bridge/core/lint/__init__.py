"""Problems in files that admins already have: one file per kind of file, and `overwrites` for what a job can reach."""
