"""Requests: allowed by the machine itself, run once whatever crashes, and told, if need be by the next boot."""

from pathlib import Path

import msgspec
import pytest

from densach_agent.ledger import Ledger, read
from densach_agent.requests import DONE, INTERRUPTED, Deed, Desk, Pending, Upshot
from densach_agent.settings import Policy
from densach_wire.messages import Command, Outcome, Result

NOW = 1_795_500_000_000


class Office:
    """A machine's desk with a line to the hub that a test can cut."""

    def __init__(self, folder: Path, policy: Policy | None = None, *, boot: str = "b1", now: int | None = NOW) -> None:
        self.told: list[tuple[str, Outcome, str]] = []
        self.done: list[str] = []
        self.line = True
        self.now = now
        self.endings: dict[str, Upshot] = {}
        deeds: dict[str, Deed] = {
            "refresh": self._at_once,
            "message": self._later,
            "shutdown": self._later,
            "restart": self._later,
        }
        self.ledger = Ledger(folder)
        self.desk = Desk(self.ledger, policy or Policy(), deeds, lambda: self.now, self._report, boot=boot)

    def ask(self, name: str, request: str = "r1", *, seconds: int = 120) -> None:
        self.desk.receive(name, Command(id=request, expires=NOW / 1000 + seconds, sent=NOW / 1000, by="Cô Lan"))

    def _at_once(self, command: Command) -> Upshot | Pending:
        self.done.append(command.id)
        if command.args.get("fail"):
            raise RuntimeError("out of paper")
        return DONE

    def _later(self, command: Command) -> Upshot | Pending:
        self.done.append(command.id)
        return lambda: self.endings.get(command.id)

    def _report(self, name: str, result: Result) -> bool:
        if self.line:
            self.told.append((name, result.outcome, result.reason))
        return self.line


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_accepted_done_and_never_twice(office: Office) -> None:
    office.ask("refresh")
    assert office.told == [("refresh", Outcome.ACCEPTED, ""), ("refresh", Outcome.DONE, "")]
    office.ask("refresh")  # the broker delivered it again: the hub may have missed the answer, the deed is not repeated
    assert office.done == ["r1"]
    assert office.told[2:] == [("refresh", Outcome.DONE, "")]


@pytest.mark.parametrize(
    ("policy", "name", "seconds", "reason"),
    [
        (Policy(), "dance", 120, "unknown"),
        (Policy(allow=("refresh",)), "message", 120, "policy"),
        (Policy(refuse=("shutdown",)), "shutdown", 120, "policy"),
        (Policy(), "refresh", -1, "expired"),
    ],
)
def test_what_is_refused_is_not_done(tmp_path: Path, policy: Policy, name: str, seconds: int, reason: str) -> None:
    office = Office(tmp_path, policy)
    office.ask(name, seconds=seconds)
    assert office.told == [(name, Outcome.REFUSED, reason)]
    assert office.done == []
    assert read(tmp_path / "requests.json")[0].reason == reason


def test_a_hello_promises_what_the_policy_allows(tmp_path: Path) -> None:
    assert "shutdown" in Office(tmp_path).desk.names
    assert "shutdown" not in Office(tmp_path, Policy(refuse=("shutdown",))).desk.names


def test_before_the_hubs_clock_is_known_nothing_is_judged(office: Office) -> None:
    office.now = None
    office.ask("refresh")
    assert office.told == []
    office.now = NOW
    office.desk.tick()
    assert office.done == ["r1"]


def test_the_id_is_on_disk_before_the_deed_begins(tmp_path: Path) -> None:
    class Watched(Office):
        def _at_once(self, command: Command) -> Upshot | Pending:
            assert [e.id for e in read(tmp_path / "requests.json")] == [command.id]
            return super()._at_once(command)

    office = Watched(tmp_path)
    office.ask("refresh")
    assert office.told[-1][1] is Outcome.DONE


def test_a_disk_that_takes_nothing_refuses(office: Office, tmp_path: Path) -> None:
    (tmp_path / ".requests.json.new").mkdir()
    office.ask("refresh")
    assert office.done == []
    assert office.told[0][1] is Outcome.REFUSED
    assert office.told[0][2].startswith("failed: ")


def test_killed_between_acceptance_and_deed_it_is_not_tried_again_and_says_so(tmp_path: Path) -> None:
    Office(tmp_path).ask("shutdown")  # … and kill -9: nothing more is written
    after = Office(tmp_path)
    after.desk.tick()
    assert after.told == [("shutdown", Outcome.REFUSED, INTERRUPTED)]
    after.ask("shutdown")
    assert after.done == []


def test_a_restart_is_told_done_by_the_boot_that_follows(tmp_path: Path) -> None:
    before = Office(tmp_path)
    before.ask("restart")
    before.desk.begun("r1")
    before.desk.close(going_down=True)
    assert before.told == [("restart", Outcome.ACCEPTED, "")]
    after = Office(tmp_path, boot="b2", now=None)
    after.desk.tick()
    assert after.told == []
    after.now = NOW + 60_000
    after.desk.tick()
    assert after.told == [("restart", Outcome.DONE, "")]


def test_a_power_cut_is_no_restart(tmp_path: Path) -> None:
    Office(tmp_path).ask("restart")
    after = Office(tmp_path, boot="b2")
    after.desk.tick()
    assert after.told == [("restart", Outcome.REFUSED, INTERRUPTED)]


def test_a_shutdown_is_told_done_while_the_machine_stops(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.ask("shutdown")
    office.desk.begun("r1")
    office.desk.close(going_down=True)
    assert office.told[-1] == ("shutdown", Outcome.DONE, "")
    again = Office(tmp_path, boot="b2")
    again.desk.tick()
    assert again.told == []


def test_what_found_no_line_is_told_at_the_next(office: Office, tmp_path: Path) -> None:
    office.ask("message")
    office.line = False
    office.endings["r1"] = Upshot("nobody: nobody is logged in")
    office.desk.tick()
    assert office.told == [("message", Outcome.ACCEPTED, "")]
    again = Office(tmp_path)
    again.desk.tick()
    again.desk.tick()
    assert again.told == [("message", Outcome.REFUSED, "nobody: nobody is logged in")]


def test_a_deed_that_fails_says_how(office: Office) -> None:
    command = Command(id="r9", expires=NOW / 1000 + 9, sent=NOW / 1000, args={"fail": True})
    office.desk.receive("refresh", command)
    assert office.told[-1][1:] == (Outcome.REFUSED, "failed: RuntimeError: out of paper")


def test_the_ledger_stays_small_and_forgets_no_id_of_today(tmp_path: Path) -> None:
    office = Office(tmp_path)
    for n in range(120):
        office.ask("refresh", f"r{n}")
    assert len(read(tmp_path / "requests.json")) == 120
    office.now = NOW + 30 * 3_600_000
    office.desk.receive("refresh", Command(id="late", expires=office.now / 1000 + 9, sent=office.now / 1000))
    assert len(read(tmp_path / "requests.json")) == 51


def test_a_ledger_of_rubbish_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "requests.json").write_bytes(b"\x00\xff")
    office = Office(tmp_path)
    office.ask("refresh")
    assert office.done == ["r1"]
    assert msgspec.json.decode((tmp_path / "requests.json").read_bytes())
