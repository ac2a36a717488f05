"""Are two fingerprints of one machine? The one rule, for the agent (is this disk still where it was admitted?) and for the
hub (is this the machine that I know by this id?). Pure; nothing else decides.

Strong factors decide. A kind is *kept* when the two have a value of it in common, *changed* when both have values and none
in common; what only one of them could read says nothing. The machine-id never counts: an imaged lab shares it.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum

import msgspec

from densach_wire.messages import Factor

DISK, MACHINE_ID = "disk", "machine-id"


class Verdict(StrEnum):
    SAME = "same"
    NEW_DISK = "new-disk"
    """The machine is the same, its disk another."""
    CLONE = "clone"
    """This disk was made, or copied from one, in another machine."""


class Decision(msgspec.Struct, frozen=True):
    """`kept` and `changed`: kinds of strong factors, sorted."""

    verdict: Verdict
    kept: tuple[str, ...]
    changed: tuple[str, ...]


def nothing_is_junk(_: Factor) -> bool:
    return False


def decide(before: Iterable[Factor], now: Iterable[Factor], junk: Callable[[Factor], bool] = nothing_is_junk) -> Decision:
    """Two kinds or more changed, more than were kept, and the disk not among the kept: another machine. Anything less is the
    same one, for too little is no proof.

    * main board swapped, disk kept (a repair): board, UUID and MAC changed, the disk kept: same;
    * disk swapped and imaged anew from this machine's backup: board, UUID and MAC kept: new disk;
    * image of seat 1 written to seat 2: board, UUID, MAC and disk changed, nothing kept: clone;
    * the same in a lab whose boards all carry one UUID that no list knows: UUID kept, MAC and disk changed: clone;
    * started without root, so that serial numbers cannot be read: nothing *changed*: same;
    * a lab of boards that all say "To be filled by O.E.M.": junk is no factor; MAC and disk decide;
    * a copied virtual machine: its one strong factor, the UUID, changed, and its (weak) MAC address too: clone.
    """
    before, now = tuple(before), tuple(now)
    old, new = by_kind(before, junk), by_kind(now, junk)
    kept = tuple(sorted(kind for kind in old if old[kind] & new.get(kind, frozenset())))
    changed = tuple(sorted(kind for kind in old if kind in new and not old[kind] & new[kind]))
    against = len(changed)
    if changed and not kept:
        against += len(_weakly_changed(before, now, junk) - set(changed))
    if DISK not in kept and against >= 2 and len(kept) < against:
        return Decision(Verdict.CLONE, kept, changed)
    return Decision(Verdict.NEW_DISK if changed == (DISK,) else Verdict.SAME, kept, changed)


def surely_same(known: Iterable[Factor], shown: Iterable[Factor], junk: Callable[[Factor], bool] = nothing_is_junk) -> bool:
    """Stricter, for giving an id back to a machine that was installed anew: most of the kinds that both have agree, and a
    strong one among them is not the disk, for disks move between machines. Weak kinds have a voice, but never alone."""
    known, shown = tuple(known), tuple(shown)
    old, new = by_kind(known, junk), by_kind(shown, junk)
    body = {kind for kind in old if kind != DISK and old[kind] & new.get(kind, frozenset())}
    if not body:
        return False
    old, new = by_kind(known, junk, weak=True), by_kind(shown, junk, weak=True)
    both = old.keys() & new.keys()
    return 2 * sum(1 for kind in both if old[kind] & new[kind]) > len(both)


def by_kind(
    factors: Iterable[Factor], junk: Callable[[Factor], bool] = nothing_is_junk, *, weak: bool = False
) -> dict[str, frozenset[str]]:
    """Kind → digests that say something; the strong ones, with `weak` all but the machine-id."""
    found: dict[str, frozenset[str]] = {}
    for factor in factors:
        if factor.kind != MACHINE_ID and (factor.strong or weak) and not junk(factor):
            found[factor.kind] = found.get(factor.kind, frozenset()) | {factor.digest}
    return found


def _weakly_changed(before: Iterable[Factor], now: Iterable[Factor], junk: Callable[[Factor], bool]) -> set[str]:
    old, new = by_kind(before, junk, weak=True), by_kind(now, junk, weak=True)
    return {kind for kind in old if kind in new and not old[kind] & new[kind]}
