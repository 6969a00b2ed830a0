"""What GitLab says of jobs, and the pods of a job found by its number."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table of facts, which no entry of the first release gives a row, and the index by job."""
    op.create_table(
        "fact",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("cluster", "pod_uid")),
        sa.Column("said_us", sa.BigInteger, nullable=False),
        *map(_text, ("gitlab", "namespace", "pod", "project", "job", "runner")),
        sa.Column("standing", sa.Text),
        *map(_text, ("project_path", "job_url", "job_name", "stage", "ref", "pipeline", "status", "text")),
        sa.Column("segment", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("fact_pipeline", "fact", ["cluster", "project", "pipeline", "job_name"])
    op.create_index("interval_job", "interval", ["cluster", "job", "last_us", "first_us"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)
