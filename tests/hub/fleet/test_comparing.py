"""Inventories compared: what counts as a change, what never does."""

from hypothesis import given
from hypothesis import strategies as st

from densach_hub.fleet.comparing import compare, confirms, is_back, software_difference
from densach_hub.fleet.telling import ChangeKind
from densach_wire.messages import Item

GB = 1024**3


def dimm(slot: str, serial: str | None = None, size: int = 4) -> Item:
    attrs: dict[str, str | int | float | bool | None] = {"size_bytes": size * GB}
    if serial is not None:
        attrs["serial"] = serial
    return Item("memory", slot, attrs)


ONE, TWO = dimm("DIMM 0", "AAA1"), dimm("DIMM 1", "BBB2")


def kinds(before: list[Item], after: list[Item]) -> list[tuple[ChangeKind, str]]:
    return [(d.kind, d.item.key) for d in compare(before, after)]


def test_a_module_that_is_gone() -> None:
    assert kinds([ONE, TWO], [ONE]) == [(ChangeKind.REMOVED, "DIMM 1")]


def test_a_module_in_another_slot_has_moved() -> None:
    assert kinds([ONE, TWO], [ONE, dimm("DIMM 3", "bbb2 ")]) == [(ChangeKind.MOVED, "DIMM 3")]


def test_another_module_in_the_same_slot_is_one_gone_and_one_come() -> None:
    assert kinds([ONE], [dimm("DIMM 0", "CCC3")]) == [(ChangeKind.REMOVED, "DIMM 0"), (ChangeKind.ADDED, "DIMM 0")]
    assert kinds([dimm("DIMM 0")], [dimm("DIMM 0", size=2)]) == [(ChangeKind.REMOVED, "DIMM 0"), (ChangeKind.ADDED, "DIMM 0")]


def test_modules_without_serials_that_changed_places_have_not_changed() -> None:
    assert kinds([dimm("A"), dimm("B")], [dimm("B"), dimm("A")]) == []


def test_junk_serials_do_not_make_two_modules_one() -> None:
    before = [dimm("A", "00000000"), dimm("B", "00000000")]
    assert kinds(before, [dimm("B", "00000000")]) == [(ChangeKind.REMOVED, "A")]


def test_what_moves_by_itself_is_no_change() -> None:
    before = Item("disk", "sda", {"serial": "X1", "size_bytes": 500, "temp_c": 40, "power_on_hours": 10, "free_bytes": 5})
    after = Item("disk", "sda", {"serial": "X1", "size_bytes": 500, "temp_c": 44, "power_on_hours": 99, "free_bytes": 1})
    assert kinds([before], [after]) == []


def test_what_one_of_the_two_looks_does_not_know_is_no_change() -> None:
    """Started without root, the serial cannot be read."""
    assert kinds([Item("board", "board", {"model": "B85", "serial": "S1"})], [Item("board", "board", {"model": "B85"})]) == []
    updated = Item("bios", "bios", {"version": "F3"})
    assert kinds([Item("bios", "bios", {"version": "F2"})], [updated]) == [(ChangeKind.CHANGED, "bios")]


def test_sticks_and_docks_come_and_go() -> None:
    stick = Item("disk", "sdb", {"serial": "S9", "bus": "usb"})
    assert kinds([ONE], [ONE, stick, Item("usb", "1-2", {"serial": "9"})]) == []
    assert kinds([Item("network", "wlx0", {"mac": "00:11:22:33:44:66", "bus": "usb"})], []) == []


def test_memory_in_sum_tells_where_modules_cannot_be_read() -> None:
    eight, less, four = (Item("memory-total", "total", {"size_bytes": int(n * GB)}) for n in (7.7, 7.6, 3.8))
    assert kinds([eight], [less]) == []
    assert kinds([eight], [four]) == [(ChangeKind.CHANGED, "total")]
    assert kinds([ONE, TWO, eight], [ONE, four]) == [(ChangeKind.REMOVED, "DIMM 1")]


def test_a_newer_list_of_names_is_no_other_part() -> None:
    def card(number: str, maker: str | None, model: str) -> Item:
        return Item("gpu", "0000:00:02.0", {"id": number, "maker": maker, "model": model})

    named = card("8086:46a8", "Intel Corporation", "Alder Lake-UP3 GT2 [Iris Xe Graphics]")
    assert kinds([card("8086:46a8", "Intel", "Device 46a8")], [named]) == []
    assert kinds([card("8086:46a8", "Intel", "Iris")], [card("10de:1f82", "NVIDIA", "TU117")]) == [
        (ChangeKind.CHANGED, "0000:00:02.0")
    ]
    assert kinds([Item("display", "a", {"maker": "XYZ", "model": "P"})], [Item("display", "a", {"maker": "Xyz Co"})]) == []


def test_programs_are_counted_not_told() -> None:
    old = [Item("package", f"dpkg:p{n}", {"version": "1"}) for n in range(10)]
    new = [Item("package", "dpkg:p1", {"version": "2"}), *old[2:], Item("package", "dpkg:new", {"version": "1"})]
    assert compare(old, new) == []
    assert software_difference(old, new) == (1, 1, 1)


def test_back_again() -> None:
    assert is_back(TWO, [ONE, TWO])
    assert is_back(TWO, [dimm("DIMM 7", "BBB2")])
    assert not is_back(TWO, [ONE, dimm("DIMM 1", "CCC3")])


def test_a_second_look_confirms_only_after_a_while_or_another_boot() -> None:
    assert not confirms(1000, "b1", 2000, "b1")
    assert confirms(1000, "b1", 61_000, "b1")
    assert confirms(1000, "b1", 2000, "b2")


items = st.lists(
    st.builds(dimm, st.sampled_from("ABCD"), st.one_of(st.none(), st.sampled_from(["S1", "S2", "S3"])), st.sampled_from([2, 4])),
    max_size=5,
    unique_by=lambda item: item.key,
)


@given(items)
def test_nothing_changed_in_the_same_inventory(one: list[Item]) -> None:
    assert compare(one, list(reversed(one))) == []


@given(items, items)
def test_the_way_back_is_the_mirror_image(one: list[Item], other: list[Item]) -> None:
    there, back = compare(one, other), compare(other, one)
    mirror = {ChangeKind.REMOVED: ChangeKind.ADDED, ChangeKind.ADDED: ChangeKind.REMOVED}
    assert sorted(d.kind for d in there) == sorted(mirror.get(d.kind, d.kind) for d in back)


@given(items, items)
def test_modules_add_up(one: list[Item], other: list[Item]) -> None:
    found = [d.kind for d in compare(one, other)]
    assert len(one) - found.count(ChangeKind.REMOVED) + found.count(ChangeKind.ADDED) == len(other)
