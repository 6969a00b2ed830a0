"""
Go's seeded random numbers, as far as Calico's walk through a pool needs them.

Where a node begins to look for a free block is `big.Int.Rand` of Go's `math/rand`, seeded with the FNV-1 hash of the
node's name (Calico, libcalico-go/lib/ipam/ipam_block_reader_writer.go). Go's generator is an additive lagged Fibonacci
generator, x[n] = x[n-607] + x[n-273] mod 2^64, whose seeding is mixed with the state of the same generator after
7.8·10^12 steps (math/rand, gen_cooked.go). That state is computed here instead of copied: a step is multiplication by
z modulo z^607 = z^334 + 1, so 43 squarings of a polynomial take the place of the steps.
"""

from __future__ import annotations

from functools import lru_cache

_LENGTH = 607
_TAP = 273
_WORD = (1 << 64) - 1
_PRIME = (1 << 31) - 1
_STEPS = 7_800_000_000_000
_SLOT_BYTES = 18
"""Room for a coefficient of a product: 607 · 2^128 takes 138 bits."""


def _minimal_standard(x: int) -> int:
    return 48271 * x % _PRIME


def _seeded(seed: int, shifts: tuple[int, int]) -> list[int]:
    x = seed % _PRIME or 89482311
    for _ in range(20):
        x = _minimal_standard(x)
    words = []
    for _ in range(_LENGTH):
        word = 0
        for shift in (*shifts, 0):
            x = _minimal_standard(x)
            word ^= x << shift
        words.append(word & _WORD)
    return words


class _Fibonacci:
    """The generator; its words are used from the end of the table to its beginning."""

    def __init__(self, words: list[int]) -> None:
        self._words = words
        self._tap = 0
        self._feed = _LENGTH - _TAP

    def word(self) -> int:
        self._tap = (self._tap - 1) % _LENGTH
        self._feed = (self._feed - 1) % _LENGTH
        word = (self._words[self._feed] + self._words[self._tap]) & _WORD
        self._words[self._feed] = word
        return word

    def uint32(self) -> int:
        return (self.word() & (_WORD >> 1)) >> 31


def _reduce(coefficients: list[int]) -> list[int]:
    for power in range(len(coefficients) - 1, _LENGTH - 1, -1):
        for lower in (power - _LENGTH, power - _TAP):
            coefficients[lower] = (coefficients[lower] + coefficients[power]) & _WORD
    return coefficients[:_LENGTH]


def _square(coefficients: list[int]) -> list[int]:
    """Square a polynomial with one multiplication of two long integers."""
    packed = int.from_bytes(b"".join(each.to_bytes(_SLOT_BYTES, "little") for each in coefficients), "little")
    product = (packed * packed).to_bytes(2 * _LENGTH * _SLOT_BYTES, "little")
    slots = range(0, len(product), _SLOT_BYTES)
    return _reduce([int.from_bytes(product[at : at + 8], "little") for at in slots])


def _after(words: list[int], steps: int) -> list[int]:
    """Return the table of a fresh generator after so many steps."""
    start = _LENGTH - _TAP - 1
    series = [words[(start - index) % _LENGTH] for index in range(_LENGTH)]
    for index in range(_LENGTH):
        series.append((series[index] + series[index + _LENGTH - _TAP]) & _WORD)
    power = [1, *[0] * (_LENGTH - 1)]
    for bit in f"{steps:b}":
        power = _square(power)
        if bit == "1":
            power = _reduce([0, *power])
    table = [0] * _LENGTH
    for index in range(_LENGTH):
        value = sum(factor * series[index + offset] for offset, factor in enumerate(power)) & _WORD
        table[(start - steps - index) % _LENGTH] = value
    return table


@lru_cache(maxsize=1)
def _cooked() -> tuple[int, ...]:
    return tuple(_after(_seeded(1, (20, 10)), _STEPS))


def below(limit: int, seed: int) -> int:
    """
    Return what `new(big.Int).Rand(rand.New(rand.NewSource(seed)), limit)` returns; at most 64 bits.

    >>> below(1024, fnv32(b"node-1"))
    338
    """
    generator = _Fibonacci([word ^ mixed for word, mixed in zip(_seeded(seed, (40, 20)), _cooked(), strict=True)])
    mask = (1 << limit.bit_length()) - 1
    while True:
        value = (generator.uint32() | generator.uint32() << 32) & mask
        if value < limit:
            return value


def fnv32(text: bytes) -> int:
    """
    Return the 32-bit FNV-1 hash.

    >>> hex(fnv32(b"a"))
    '0x50c5d7e'
    """
    value = 0x811C9DC5
    for byte in text:
        value = value * 0x01000193 & 0xFFFFFFFF ^ byte
    return value
