"""The one rule of identity as properties: it does not depend on the order, junk never decides, and more evidence never
turns it round."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agent.profiles import examples

from densach_wire.factors import factor_digest
from densach_wire.junk import is_junk, samples
from densach_wire.likeness import DISK, Verdict, decide, surely_same
from densach_wire.messages import Factor

KINDS = ("board", "chassis", "product", "product-uuid", "mac", DISK, "tpm")
one_factor = st.builds(
    lambda kind, value, strong: Factor(kind, factor_digest(kind, value), strong),
    st.sampled_from(KINDS),
    st.sampled_from(("value-a", "value-b", "value-c")),
    st.sampled_from((True, True, True, False)),
)
fingerprints = st.lists(one_factor, max_size=9).map(tuple)
rubbish = st.builds(
    lambda kind, value: Factor(kind, factor_digest(kind, value)), st.sampled_from(KINDS), st.sampled_from(sorted(samples()))
)
_JUNK = frozenset(factor_digest(kind, value) for kind in KINDS for value in samples())


def known_junk(factor: Factor) -> bool:
    return factor.digest in _JUNK


@settings(max_examples=examples(100))
@given(fingerprints, fingerprints)
def test_it_does_not_matter_which_came_first(one: tuple[Factor, ...], other: tuple[Factor, ...]) -> None:
    assert decide(one, other) == decide(other, one)
    assert surely_same(one, other) == surely_same(other, one)


@settings(max_examples=examples(100))
@given(fingerprints)
def test_a_machine_is_itself(one: tuple[Factor, ...]) -> None:
    assert decide(one, one).verdict is Verdict.SAME


@settings(max_examples=examples(100))
@given(fingerprints, fingerprints, st.lists(rubbish, max_size=5), st.lists(rubbish, max_size=5))
def test_junk_never_decides(one: tuple[Factor, ...], other: tuple[Factor, ...], here: list[Factor], there: list[Factor]) -> None:
    plain = decide(one, other, known_junk)
    assert decide((*one, *here), (*other, *there), known_junk) == plain
    assert surely_same((*one, *here), (*other, *there), known_junk) == surely_same(one, other, known_junk)


@settings(max_examples=examples(100))
@given(fingerprints, fingerprints, st.sampled_from(KINDS), st.text("xyz", min_size=4, max_size=6))
def test_what_was_kept_never_makes_a_clone_and_what_changed_never_unmakes_one(
    one: tuple[Factor, ...], other: tuple[Factor, ...], kind: str, value: str
) -> None:
    def without(factors: tuple[Factor, ...]) -> tuple[Factor, ...]:
        return tuple(factor for factor in factors if factor.kind != kind)

    before, now = without(one), without(other)
    plain = decide(before, now).verdict
    same = Factor(kind, factor_digest(kind, value))
    if plain is not Verdict.CLONE:
        assert decide((*before, same), (*now, same)).verdict is not Verdict.CLONE
    if plain is Verdict.CLONE:
        assert decide((*before, same), (*now, Factor(kind, factor_digest(kind, "other")))).verdict is Verdict.CLONE
        assert decide((*before, same), now).verdict is Verdict.CLONE  # what only one could read says nothing


@settings(max_examples=examples(100))
@given(fingerprints, fingerprints)
def test_who_surely_is_the_same_is_no_clone_of_strong_factors(one: tuple[Factor, ...], other: tuple[Factor, ...]) -> None:
    before, now = (tuple(factor for factor in factors if factor.strong) for factors in (one, other))
    if surely_same(before, now):
        assert decide(before, now).verdict is not Verdict.CLONE


@settings(max_examples=examples(100))
@given(st.sampled_from(sorted(samples())), st.sampled_from(["", " ", "  "]), st.booleans())
def test_every_junk_value_is_known_in_any_case_and_with_spaces(value: str, space: str, upper: bool) -> None:
    assert is_junk(space + (value.upper() if upper else value) + space)


@settings(max_examples=examples(100))
@given(st.uuids(version=4))
def test_a_uuid_is_one_in_either_byte_order(uuid: object) -> None:
    text = str(uuid)
    first, second, third, *rest = text.split("-")
    turned = "-".join([bytes.fromhex(group)[::-1].hex() for group in (first, second, third)] + rest)
    assert factor_digest("product-uuid", text) == factor_digest("product-uuid", turned.upper())
