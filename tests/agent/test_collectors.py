"""Collectors on recorded machines: `tests/fixtures/machines/<case>/{root/,cmd/,expected.json}`. A case is a folder."""

import json
from pathlib import Path

import pytest

from densach_agent.collectors import ALL, load
from densach_agent.collectors.packages import dpkg
from densach_agent.machine import Denied, Machine
from densach_agent.record import expectation, record_case, recorded_machine
from densach_agent.survey import Survey, wait_for
from densach_wire.codec import decode_batch, encode_batch, section_digest
from densach_wire.messages import Batch, InventoryRecord, InventorySection, Moment, SectionStatus

CASES = Path(__file__).parents[1] / "fixtures" / "machines"
NAMES = sorted(path.name for path in CASES.iterdir())


@pytest.mark.parametrize("case", NAMES)
def test_a_recorded_machine_reads_as_expected(case: str) -> None:
    expected = json.loads((CASES / case / "expected.json").read_text("utf-8"))
    assert expectation(CASES / case) == expected


@pytest.mark.parametrize("case", NAMES)
def test_what_is_read_fits_the_contract(case: str) -> None:
    """Whatever the firmware says, the hub can decode it."""
    sections = wait_for(Survey(ALL, root=CASES / case / "root"))
    assert [section.section for section in sections] == list(ALL)
    assert {section.status for section in sections} <= {SectionStatus.OK, SectionStatus.NO_DATA}
    records = tuple(InventoryRecord(seq=n, up=1, d=section) for n, section in enumerate(sections, 1))
    decoded = decode_batch(encode_batch(Batch(dev="d", stream="s", boot="b", sent=Moment(1), recs=records)))
    assert decoded.bad == ()
    assert len(decoded.records) == len(ALL)


@pytest.mark.parametrize("case", NAMES)
def test_keys_tell_siblings_apart(case: str) -> None:
    for name, items in expectation(CASES / case).items():
        if isinstance(items, list):
            keys = [(item["cls"], item["key"]) for item in items]
            assert len(set(keys)) == len(keys), name


def test_a_section_is_named_like_its_place_in_the_list() -> None:
    assert [load(name).name for name in ALL] == list(ALL)


def test_without_root_memory_is_a_total() -> None:
    items = load("memory").collect(recorded_machine(CASES / "office-2012", is_root=False))
    assert [item.cls for item in items] == ["memory-total"]


def test_a_record_of_this_machine_can_be_replayed(tmp_path: Path) -> None:
    record_case(tmp_path / "case", CASES / "office-2012" / "root")
    again = expectation(tmp_path / "case")
    text = json.dumps(again)
    assert "7XK2PW1" not in text
    assert "90:b1:1c:6e:2d:41" not in text
    assert "OptiPlex 3010" in text
    assert "921bb1fffe6e2d41" not in (tmp_path / "case/root/proc/net/if_inet6").read_text()  # the same card once more
    original = expectation(CASES / "office-2012")
    del original["memory"], again["memory"]  # the recorded machine's commands are not on this one
    assert {name: _shape(items) for name, items in again.items()} == {n: _shape(i) for n, i in original.items()}


@pytest.mark.parametrize(
    ("case", "private"),
    [
        ("laptop", ["PF4Q7K2M", "S6J2NF0T417735", "5a1c94cc", "38:f3:ab", "LY7EE002", "b2f0c9a7", "71a6c5de", "he-thong",
                    "192.168", "002538b5", "E7A3519C", "liệu"]),
        ("all-in-one", ["8CC3140R7T", "Y8C0W3ANS", "50026B7784D1F3A2", "50026b7784d1f3a2", "BAI TAP", "BAI\\040TAP", "hocsinh",
                        "5D2170C4", "KZ2F1JN4207"]),
        ("raspberry-pi", ["b3c91f7e", "2f81c4d7", "dc:a6:32", "GNQL5HA112837", "e2f7a1c8"]),
    ],
)  # fmt: skip
def test_a_record_tells_what_the_machine_is_but_not_which(tmp_path: Path, case: str, private: list[str]) -> None:
    record_case(tmp_path / "case", CASES / case / "root")
    original, again = expectation(CASES / case), expectation(tmp_path / "case")
    assert {name: _kinds(items) for name, items in again.items()} == {n: _kinds(i) for n, i in original.items()}
    for path in (tmp_path / "case").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [word for word in private if word.encode() in content], path
    disks = {item["key"]: item["attrs"].get("serial") for item in again["disk"]}  # type: ignore[attr-defined]
    told = {i["key"]: i["attrs"]["serial"] for i in again["smart"]} if case != "raspberry-pi" else {}  # type: ignore[attr-defined]
    assert told.items() <= disks.items()  # one stand-in, wherever the number stood


def _kinds(items: object) -> object:
    """As `_shape`, without keys: some are serial numbers."""
    return items if not isinstance(items, list) else [(item["cls"], sorted(item.get("attrs", {}))) for item in items]


def _shape(items: object) -> object:
    if not isinstance(items, list):
        return items
    return [(item["cls"], item["key"], sorted(item.get("attrs", {}))) for item in items]


def test_ten_thousand_packages_fit_one_message() -> None:
    text = "\n\n".join(
        f"Package: lib{n:x}-{n * 7919 % 10007}\nStatus: install ok installed\nSection: libs\nInstalled-Size: {n * 31 % 9000}\n"
        f"Architecture: amd64\nVersion: {n % 7}.{n % 13}.{n * 17 % 101}-{n % 5}ubuntu{n % 9}"
        for n in range(10_000)
    )
    items = tuple(dpkg(text))
    section = InventorySection("packages", items, section_digest(items))
    batch = Batch(dev="d", stream="s", boot="b", sent=Moment(1), recs=(InventoryRecord(seq=1, up=1, d=section),))
    assert len(decode_batch(encode_batch(batch)).records[0].d.items) == 10_000  # type: ignore[union-attr]


def test_a_collector_that_hangs_is_a_result_and_harms_no_other(tmp_path: Path) -> None:
    """A named pipe where a file should be: reading it waits for ever, as a broken driver does."""
    import os

    (tmp_path / "proc").mkdir()
    os.mkfifo(tmp_path / "proc" / "cpuinfo")
    survey = Survey(["system", "cpu", "os"], root=tmp_path)
    sections = {section.section: section for section in wait_for(survey)}
    assert sections["cpu"].status is SectionStatus.TIMEOUT
    assert sections["cpu"].reason == "no answer in 2 s"
    assert sections["system"].status is SectionStatus.NO_DATA
    assert sections["os"].status is SectionStatus.OK


def test_a_collector_that_fails_is_a_result(tmp_path: Path) -> None:
    (tmp_path / "sys").mkdir()
    (tmp_path / "sys" / "block").write_text("a file where a folder should be")
    survey = Survey(["disk", "nonsense", "os"], root=tmp_path)
    sections = {section.section: section for section in wait_for(survey)}
    assert sections["disk"].status is SectionStatus.NO_DATA
    assert sections["nonsense"].status is SectionStatus.FAILED
    assert sections["os"].status is SectionStatus.OK


def test_forbidden_is_not_absent(tmp_path: Path) -> None:
    class Locked(Machine):
        def raw(self, path: str, limit: int = 0) -> bytes | None:
            raise Denied(path)

    locked = Locked(tmp_path, lambda _argv, _seconds: None)
    with pytest.raises(Denied):
        locked.text("anything")
    assert locked.open_text("anything") is None
