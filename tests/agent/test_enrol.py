"""Joining: by a token, by waiting; refusals and impostors; what a clone does."""

import stat
from pathlib import Path

import pytest
from cryptography import x509
from tests.agent.front_door import FrontDoor
from tests.fixtures.certificates import TestAuthority

from densach_agent.enrol import EnrolProblem, attempt
from densach_agent.membership import Membership
from densach_agent.record import recorded_machine
from densach_agent.settings import BadSettings, load, remember_hub
from densach_wire.enrolment import EnrolAnswer, Token, ca_digest

MACHINE = recorded_machine(Path(__file__).parents[1] / "fixtures" / "machines" / "office-2012")


def test_a_token_admits_at_once(door: FrontDoor, tmp_path: Path) -> None:
    made = attempt(tmp_path, door.url, door.token, MACHINE)
    assert (made.state, made.device) == ("admitted", "pc-1")
    asked = door.requests[0]
    assert asked.token == door.token
    assert (asked.hostname, asked.maker, asked.model) == ("phong1-may07", "Dell Inc.", "OptiPlex 3010")
    assert {factor.kind for factor in asked.fingerprint} >= {"board", "disk", "mac"}
    member = Membership(tmp_path)
    enrolled = member.enrolled()
    assert enrolled is not None
    assert member.lines(enrolled)[0].host == "localhost"  # the host the hub was reached by
    for secret in (member.key, tmp_path / "enrolled.json"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert attempt(tmp_path, door.url, door.token, MACHINE).device == "pc-1"
    assert len(door.requests) == 1  # a member does not ask again


def test_without_a_token_it_waits_with_a_ticket_and_one_key(door: FrontDoor, tmp_path: Path) -> None:
    door.answer = lambda asked: (
        EnrolAnswer(state="waiting", ticket="t-77", retry_s=5) if asked.ticket is None else door.admit(asked)
    )
    first = attempt(tmp_path, door.url, None, MACHINE)
    assert (first.state, first.retry_s) == ("waiting", 5)
    assert attempt(tmp_path, door.url, None, MACHINE).state == "admitted"
    assert door.requests[1].ticket == "t-77"
    keys = [x509.load_pem_x509_csr(request.csr_pem.encode()).public_key() for request in door.requests]
    assert keys[0] == keys[1]
    assert Membership(tmp_path).joining() is None


def test_a_refusal_is_final_for_this_ticket(door: FrontDoor, tmp_path: Path) -> None:
    door.answer = lambda _asked: EnrolAnswer(state="waiting", ticket="t-1")
    attempt(tmp_path, door.url, None, MACHINE)
    door.answer = lambda _asked: EnrolAnswer(state="refused", reason="not ours")
    made = attempt(tmp_path, door.url, None, MACHINE)
    assert (made.state, made.reason) == ("refused", "not ours")
    assert Membership(tmp_path).joining() is None


def test_another_hub_than_the_tokens_is_found_out(door: FrontDoor, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = TestAuthority(tmp_path / "other")
    token = str(Token("room-1-token-0123456789", ca_digest(other.ca.read_text())))
    with pytest.raises(EnrolProblem, match="not the hub that the token was made by"):
        attempt(tmp_path / "data", door.url, token, MACHINE)
    assert Membership(tmp_path / "data").enrolled() is None


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((500, b"boom"), "500: boom"),
        ((429, b'{"detail": "Too many requests.", "code": "x"}'), "429: Too many requests."),
        ((200, b"<html>"), "no hub"),
        ((200, b'{"state":"admitted"}'), "not complete"),
        ((200, b'{"state":"admitted","school":"s","device":"../x","mqtt":[{"port":1}]}'), "not complete"),
        ((200, b'{"state":"admitted","school":"s","device":"d","mqtt":[{"port":1}]}'), "no certificate"),
    ],
)
def test_answers_that_are_none(door: FrontDoor, tmp_path: Path, answer: tuple[int, bytes], says: str) -> None:
    door.answer = lambda _asked: answer
    with pytest.raises(EnrolProblem, match=says):
        attempt(tmp_path, door.url, None, MACHINE)
    assert Membership(tmp_path).enrolled() is None


def test_a_certificate_for_another_key_is_noticed(door: FrontDoor, tmp_path: Path) -> None:
    certificate, _ = door.authority.issue("somebody")

    def wrong(asked: object) -> EnrolAnswer:
        made = door.admit(asked)  # type: ignore[arg-type]
        return EnrolAnswer(
            state="admitted", school=made.school, device="pc-1", certificate=certificate.read_text(), ca=made.ca, mqtt=made.mqtt
        )

    door.answer = wrong
    with pytest.raises(EnrolProblem, match="does not fit the key"):
        attempt(tmp_path, door.url, None, MACHINE)
    assert Membership(tmp_path).enrolled() is None


def test_nobody_there_is_said_in_one_line(tmp_path: Path) -> None:
    for url, says in (("http://localhost:9", "no hub at"), ("ftp://x", "not the address"), ("hub.lan", "not the address")):
        with pytest.raises(EnrolProblem, match=says):
            attempt(tmp_path, url, None, MACHINE)


def test_a_mistyped_token_is_never_sent(door: FrontDoor, tmp_path: Path) -> None:
    with pytest.raises(EnrolProblem, match="copy it again"):
        attempt(tmp_path, door.url, door.token[:-2], MACHINE)
    assert door.requests == []


def test_who_leaves_drops_key_and_stream_and_says_who_it_was(door: FrontDoor, tmp_path: Path) -> None:
    data = tmp_path / "data"
    attempt(data, door.url, door.token, MACHINE)
    (data / "outbox.db").write_bytes(b"")
    (data / "outbox.db-wal").write_bytes(b"")
    remember_hub(data, door.url)
    member = Membership(data)
    old_key = member.key.read_bytes()
    member.leave()
    assert sorted(path.name for path in data.iterdir()) == ["agent.toml", "ca.crt", "was.json"]
    attempt(data, door.url, None, MACHINE)
    assert door.requests[-1].was == "pc-1"
    assert member.key.read_bytes() != old_key
    assert member.was() is None


def test_settings_name_the_key_that_is_wrong(tmp_path: Path) -> None:
    remember_hub(tmp_path, "http://old")
    with (tmp_path / "agent.toml").open("a") as file:
        file.write('off = ["packages"]\n[policy]\nallow = ["refresh"]\n')
    remember_hub(tmp_path, "http://new")
    settings = load(tmp_path)
    assert (settings.hub, settings.off, settings.policy.allow) == ("http://new", ("packages",), ("refresh",))
    (tmp_path / "agent.toml").write_text("[policy]\nalow = []\n")
    with pytest.raises(BadSettings, match=r"agent\.toml.*alow"):
        load(tmp_path)
    (tmp_path / "agent.toml").write_text("hub = ")
    with pytest.raises(BadSettings, match=r"agent\.toml"):
        load(tmp_path)
