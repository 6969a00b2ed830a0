"""
Pods made shorter before they are decoded: what was decoded before is recognised, and taken out.

Half of a job pod of 28 kB is what its creator owns in `managedFields`, the name of each variable once more. It is the
same text for all pods of one configuration, but for its time and for the numbers of project and job in some paths. To
compare it takes a fifth of what the decoder takes to pass over it, so where it comes again it is replaced by the little
that is read of it. What is not recognised is left as it is, and the decoder finds the same in the short form as in the
long one.

Measured on recorded pods, CPU from bytes to value: 25 µs a pod without, 19 with; in pages of 250, 34 and 26. To skip
the variables too, from bracket to bracket, takes as long as the decoder does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Raw, json

from runner_bridge.core.wire import objects
from runner_bridge.core.wire.salvage import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

# A quotation mark inside of a JSON text is written `\"`. So `,"` begins a key or ends a text, and a text that ended
# there could not be followed by a letter: wherever these bytes stand, they are this key with a list.
_OWNED: Final = b',"managedFields":['
_AFTER_OWNED: Final = b']},"spec":{'
_TIME: Final = b'"time":"'
_MOMENT: Final = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\"")
_MOMENT_BYTES: Final = 20
_SHORT_HEAD: Final = b"{" + _TIME
# All values in an entry are texts or `{}`, so digits stand within a text, where others may take their place.
_NUMBERS: Final = re.compile(rb"[0-9]{4,}(?:-[0-9]{4,})*")

WORTH_BYTES: Final = 1024
"""A shorter entry is decoded as fast as it is compared."""
MOST_KNOWN: Final = 8
LEARN_EVERY: Final = 16
"""While hardly any is recognised, one in so many is learnt: where no two pods are alike it must not cost much."""
_LEEWAY: Final = 1024
"""By how much two pods in a row may differ in length before the next key is looked for from the beginning."""

_ENTRIES: Final = json.Decoder(list[Raw])
_ENTRY: Final = json.Decoder(objects.ManagedFields)


class _Known(NamedTuple):
    """An entry that was decoded once."""

    head: bytes
    """Its text up to its time."""
    text: bytes
    """Its text after that, up to the first number: nearly all of it."""
    rest: re.Pattern[bytes]
    """What follows, with any number in the place of each."""
    length: int
    short_tail: bytes
    """What follows the time in the short form."""

    def end_in(self, data: bytes, start: int) -> int:
        """Return where the entry ends that begins at `start`; -1 where it is another."""
        moment = start + len(self.head)
        text = moment + _MOMENT_BYTES
        # The rest before the text: it is short, and what differs is there.
        if (
            self.rest.match(data, text + len(self.text))
            and data.startswith(self.head, start)
            and _MOMENT.match(data, moment)
            and data.startswith(self.text, text)
        ):
            return start + self.length
        return -1


class Shortener:
    """Made once for each stream of pods, for it remembers what it has seen."""

    def __init__(self) -> None:
        self._known: list[_Known] = []
        """The last that was recognised comes first."""
        self._missed = 0
        self._credit = MOST_KNOWN
        """How many may be learnt at once; each that is recognised earns one."""

    def shortened(self, data: bytes) -> bytes:
        """
        Return JSON in which the decoder of pods finds what it finds in `data`. Never raises.

        True for whatever is JSON; what is not stays so.
        """
        view = memoryview(data)
        pieces: list[bytes | memoryview] = []
        done = 0
        for start in _starts(data):
            known, end = self._recognised(data, start)
            if known is not None:
                at = start + len(known.head)
                pieces += (view[done:start], _SHORT_HEAD, view[at : at + _MOMENT_BYTES], known.short_tail)
                done = end
        if not pieces:
            return data
        pieces.append(view[done:])
        return b"".join(pieces)

    def _recognised(self, data: bytes, start: int) -> tuple[_Known | None, int]:
        for position, known in enumerate(self._known):
            end = known.end_in(data, start)
            if end >= 0:
                if position:
                    self._known.insert(0, self._known.pop(position))
                self._credit = min(self._credit + 1, MOST_KNOWN)
                return known, end
        self._missed += 1
        if self._credit or self._missed % LEARN_EVERY == 0:
            self._credit = max(self._credit - 1, 0)
            self._learn(data, start)
        return None, -1

    def _learn(self, data: bytes, start: int) -> None:
        """Decode the first entry of the list that begins here, for the pods to come."""
        end = data.find(_AFTER_OWNED, start)
        try:
            entry = bytes(_ENTRIES.decode(data[start - 1 : end + 1])[0])
            decoded = _ENTRY.decode(entry)
        except (*UNREADABLE, IndexError):
            return
        head, found, rest = entry.partition(_TIME)
        if len(entry) < WORTH_BYTES or not _MOMENT.match(rest) or _TIME in rest or b'"fieldsV1"' in head:
            return
        decoded.time = None
        short = json.encode(decoded)  # without what is None
        tail = b'"}' if short == b"{}" else b'",' + short[1:]
        text, after = _cut(rest[_MOMENT_BYTES:])
        self._known.insert(0, _Known(head + found, text, after, len(entry), tail))
        del self._known[MOST_KNOWN:]


def _cut(text: bytes) -> tuple[bytes, re.Pattern[bytes]]:
    """Return a text up to its first number, and a pattern of what follows that takes as many digits for each."""
    first = _NUMBERS.search(text)
    at = first.start() if first else len(text)
    pattern, done = b"", at
    for number in _NUMBERS.finditer(text):
        pattern += re.escape(text[done : number.start()]) + b"[0-9-]{%d}" % len(number[0])
        done = number.end()
    return text[:at], re.compile(pattern + re.escape(text[done:]))


def _starts(data: bytes) -> Iterator[int]:
    """
    Yield where lists of `managedFields` begin, behind the bracket.

    One may be passed over, which only makes it longer to decode: pods in a row are about as long, so most of the way
    to the next key is skipped unread.
    """
    at = skip = 0
    while True:
        found = data.find(_OWNED, at + skip)
        if skip and (found < 0 or found > at + skip + 2 * _LEEWAY):
            # Further away than expected, or passed over: then it is between.
            between = data.find(_OWNED, at, at + skip + len(_OWNED))
            found = between if between >= 0 else found
        if found < 0:
            return
        skip = max(0, found - at - _LEEWAY)
        at = found + len(_OWNED)
        yield at
