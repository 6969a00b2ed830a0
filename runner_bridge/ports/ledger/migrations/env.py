"""What alembic runs: the migrations that are missing, on the connection and in the transaction it was handed."""

from __future__ import annotations

from alembic import context

if __name__ == "env_py":  # the name alembic loads this file under; whoever merely imports it changes nothing
    context.configure(connection=context.config.attributes["connection"])
    context.run_migrations()
