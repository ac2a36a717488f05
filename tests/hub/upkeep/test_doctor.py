"""What the doctor says of brokers and certificates: of a whole hub, of one that stands still, of what was mixed up."""

import asyncio
import shutil
import socket
import threading
from pathlib import Path

import pytest
from tests.fixtures.hub import hub_in
from tests.fixtures.mosquitto import free_port

from densach_core.clock import FixedClock, SystemClock
from densach_core.place import announce
from densach_hub.fleet.authority import Authority
from densach_hub.link.choice import BrokerSettings
from densach_hub.link.model import BrokerAddress
from densach_hub.link.probe import probe
from densach_hub.upkeep.certificates import flaws
from densach_hub.upkeep.doctor import Finding, Verdict, examine

NOW = SystemClock().now_ms()


def about(found: list[Finding], subject: str) -> Finding:
    (one,) = (finding for finding in found if finding.subject == subject)
    return one


async def test_a_whole_hub_is_fine_and_a_stopped_one_is_said_to_be(tmp_path: Path) -> None:
    data = tmp_path / "hub"
    async with hub_in(data) as hub:
        announce(data, hub.base.removeprefix("http://"))
        found = await asyncio.to_thread(examine, data, tmp_path / "b", SystemClock())
        assert about(found, "broker/answer").verdict is Verdict.FINE
        assert about(found, "certificates").verdict is Verdict.FINE
        assert not [f for f in found if f.verdict is Verdict.BROKEN]
        announce(data, f"127.0.0.1:{free_port()}")
        found = await asyncio.to_thread(examine, data, tmp_path / "b", SystemClock())
        assert about(found, "broker/answer").verdict is Verdict.FINE, "asked itself when the hub does not say"
    announce(data, f"127.0.0.1:{free_port()}")
    found = await asyncio.to_thread(examine, data, tmp_path / "b", SystemClock())
    assert about(found, "broker/answer").verdict is Verdict.BROKEN
    (data / "running.json").unlink()
    found = await asyncio.to_thread(examine, data, tmp_path / "b", SystemClock())
    assert about(found, "broker/answer").verdict is Verdict.LOOK


@pytest.fixture
async def keys(tmp_path: Path) -> Path:
    return await made(tmp_path / "keys")


async def made(folder: Path) -> Path:
    authority = Authority(folder, FixedClock())
    await authority.open()
    await authority.server_certificate(("densach.lan",))
    return folder


async def test_keys_as_the_hub_makes_them_have_no_flaw(keys: Path) -> None:
    assert flaws(keys, NOW) == []


async def test_each_mix_up_is_named(keys: Path, tmp_path: Path) -> None:
    other = await made(tmp_path / "other")
    for name, words in (
        ("server.key", "is not the key of"),
        ("server.pem", "was not issued by"),
        ("revoked.pem", "was not issued by"),
    ):
        mixed = tmp_path / f"mixed-{name}"
        shutil.copytree(keys, mixed)
        shutil.copy(other / name, mixed / name)
        assert any(words in one.what.msgid for one in flaws(mixed, NOW)), name
        (mixed / name).write_bytes(b"nothing")
        assert any("cannot be read" in one.what.msgid for one in flaws(mixed, NOW)), name
    assert any("not valid on" in one.what.msgid for one in flaws(keys, 0))
    far = 5_000_000_000_000
    assert any("out of date" in one.what.msgid for one in flaws(keys, far))
    (keys / "server.key").chmod(0o644)
    (loose,) = flaws(keys, NOW)
    assert not loose.broken
    (keys / "ca.pem").unlink()
    assert flaws(keys, NOW)[0].broken


def answering(answer: bytes) -> tuple[int, threading.Thread]:
    """A listener that answers the first packet so, once."""
    server = socket.create_server(("127.0.0.1", 0))

    def work() -> None:
        with server, server.accept()[0] as line:
            line.recv(1000)
            line.sendall(answer)

    thread = threading.Thread(target=work)
    thread.start()
    return server.getsockname()[1], thread


@pytest.mark.parametrize(
    ("answer", "verdict", "words"),
    [
        (b"\x20\x02\x00\x00", Verdict.FINE, "answers"),
        (b"\x20\x02\x00\x05", Verdict.BROKEN, "refuses"),
        (b"HTTP/1.1 400", Verdict.BROKEN, "does not answer"),
        (b"", Verdict.BROKEN, "does not answer"),
    ],
)
def test_a_broker_of_somebody_else_is_asked_with_the_hubs_account(
    tmp_path: Path, answer: bytes, verdict: Verdict, words: str
) -> None:
    port, thread = answering(answer)
    settings = BrokerSettings(url=f"mqtt://hub@127.0.0.1:{port}", password="x")
    found = about(examine(tmp_path, tmp_path, FixedClock(), settings), "broker/answer")
    thread.join(30)
    assert found.verdict is verdict
    assert words in found.what.msgid


def test_a_broker_that_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = BrokerAddress("127.0.0.1", server.getsockname()[1])
        assert probe(address, seconds=0.2).silent is not None
