"""Values that firmware makers put where a serial number should be, as the hub sees them.

From the field: `03000200-0400-0500-0006-000700080009` was found on the machines of 689 schools; "To be filled by O.E.M."
on whole labs. What the values are says `densach_wire.junk`, for agents too; fingerprints travel as digests, so the known
ones are kept as digests here, for each kind of factor. What no list knows gives itself away by its number.
"""

from collections.abc import Callable, Mapping

from densach_wire import junk
from densach_wire.factors import factor_digest
from densach_wire.messages import Factor

SHARED_BY_MANY = 3
"""A value seen on so many machines says nothing about any of them."""

_KINDS = ("board", "chassis", "product", "product-uuid", "disk", "mac", "tpm", "machine-id")
_DIGESTS = frozenset(factor_digest(kind, value) for kind in _KINDS for value in junk.samples())


def is_junk(factor: Factor, machines: Mapping[str, int]) -> bool:
    """Whether a factor says nothing. `machines`: digest → on how many *other* machines it was seen."""
    return factor.digest in _DIGESTS or machines.get(factor.digest, 0) >= SHARED_BY_MANY - 1


def judge(machines: Mapping[str, int]) -> Callable[[Factor], bool]:
    """`is_junk` for the rules of likeness."""
    return lambda factor: is_junk(factor, machines)


def is_junk_serial(value: object) -> bool:
    """The same question for a serial number as inventory items carry it, in clear."""
    return junk.is_junk(value) if isinstance(value, str) else value is None
