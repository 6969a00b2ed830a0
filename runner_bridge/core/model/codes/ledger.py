"""Finding codes for the ledger: what `ledger verify` can find wrong with the record itself."""

from __future__ import annotations

from runner_bridge.core.model.finding import Code, Family, Severity

_KEEP = "Keep the file as it is, find out who could write to it, and take the rows from an export or a backup."

EDITED = Code(
    name="ledger-row-edited",
    family=Family.LEDGER,
    severity=Severity.ERROR,
    title="a row of the ledger was changed after it was written",
    page="Every row holds a SHA-256 hash over its text and the hash of the row before it. The hash of this row does "
    "not fit its text: the text, the hash, or the link was changed, by hand or by a fault of the disk.",
    remedy=_KEEP,
)
REMOVED = Code(
    name="ledger-row-removed",
    family=Family.LEDGER,
    severity=Severity.ERROR,
    title="a row of the ledger is gone",
    page="Rows of a segment are numbered without holes, a segment notes its last row, the next segment repeats it, and "
    "a witness outside of the database may have seen a later one. One of these names a row that is not there.",
    remedy=_KEEP,
)
REORDERED = Code(
    name="ledger-rows-reordered",
    family=Family.LEDGER,
    severity=Severity.ERROR,
    title="rows of the ledger stand in each other's place",
    page="The rows are whole, but linked to other rows than those before them; exchanging them makes the chain fit.",
    remedy=_KEEP,
)
REWRITTEN = Code(
    name="ledger-row-rewritten",
    family=Family.LEDGER,
    severity=Severity.ERROR,
    title="a row of the ledger fits itself, but not what others remember of it",
    page="Somebody changed a row and computed its hash anew, or removed rows and numbered the others anew. The row "
    "after it, the end that its segment notes, the opening of a later segment, or a witness remembers another hash.",
    remedy=_KEEP,
)
SEGMENT_REMOVED = Code(
    name="ledger-segment-removed",
    family=Family.LEDGER,
    severity=Severity.ERROR,
    title="a whole segment of the ledger is gone",
    page="A segment is one writer's term or a day of it. Each opening names the segments before it, and prune leaves a "
    "checkpoint that names what it removed; this one was named, is not there, and no checkpoint accounts for it.",
    remedy=_KEEP,
)
INTERVAL_DIFFERS = Code(
    name="ledger-interval-differs",
    family=Family.LEDGER,
    severity=Severity.ERROR,
    title="what is derived from the ledger is not what its entries say",
    page="Intervals, unsettled intents, facts and the addresses of nodes are derived from the entries and kept for "
    "fast answers. Derived again they differ from what is stored, so answers of who-had and job may be wrong; the "
    "chain is right.",
    remedy="Find out who could write to the database; then derive them again: runner-bridge ledger verify --repair.",
)
FILE_DAMAGED = Code(
    name="ledger-file-damaged",
    family=Family.LEDGER,
    severity=Severity.ERROR,
    title="the database file is damaged",
    page="The database's own check finds pages or indexes that contradict each other: a fault of the disk, a copy made "
    "while the file was written to, or a change by something that is not the database.",
    remedy="Stop the bridge, keep the file, and go on with a backup; an export of what can still be read may help.",
)
