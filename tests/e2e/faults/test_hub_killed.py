"""kill -9 on the hub: in the middle of batches, and of an upload. What was answered is there; nothing counts twice."""

import base64
import hashlib
import socket

import pytest
from tests.fixtures.road import Hub, Road, until
from tests.hub.library import made

pytestmark = pytest.mark.timeout(300)
TOTAL = 40_000


def test_in_the_middle_of_batches(road: Road) -> None:
    hub = road.hub()
    agent = road.agent()
    agent.joins(hub, hub.room_token())
    agent.has_waiting(1, TOTAL)
    agent.start()
    device = agent.device
    killed_at = []
    for _ in range(3):
        had = hub.upto(device)
        until(lambda had=had: hub.upto(device) > had, every=0.002)  # type: ignore[misc]
        hub.kill()
        killed_at.append(hub.upto(device))
        acknowledged = agent.outbox()[1]
        assert acknowledged <= killed_at[-1]  # nothing was let go of that is not on the disk
        hub.start()
    assert killed_at[0] < TOTAL
    until(lambda: hub.upto(device) >= TOTAL)
    until(lambda: len(hub.told(device)) >= TOTAL, every=0.5)
    assert agent.stop() == 0
    stream, acknowledged, last = agent.outbox()
    # What it measured in its last moment may still lie in its outbox: it is told at the next start.
    assert acknowledged <= hub.upto(device, stream) <= last
    assert hub.told(device) == list(range(1, TOTAL + 1))
    assert not hub.rows("SELECT * FROM lost")
    assert len(hub.rows("SELECT DISTINCT stream FROM stream")) == 1
    assert hub.rows("PRAGMA integrity_check") == [("ok",)]


TUS = {"Tus-Resumable": "1.0.0"}
PATCH = {**TUS, "Content-Type": "application/offset+octet-stream"}


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def half_sent(hub: Hub, place: str, body: bytes, part: int) -> socket.socket:
    """Sends the head of a PATCH for all of `body` and only its first `part` bytes; the line stays open."""
    line = socket.create_connection(("127.0.0.1", hub.port))
    head = [
        f"PATCH {place} HTTP/1.1", f"Host: 127.0.0.1:{hub.port}", f"Authorization: Bearer {hub.token}",
        *(f"{name}: {value}" for name, value in PATCH.items()), "Upload-Offset: 0", f"Content-Length: {len(body)}",
    ]  # fmt: skip
    line.sendall("\r\n".join([*head, "", ""]).encode() + body[:part])
    return line


def test_in_the_middle_of_an_upload(road: Road) -> None:
    hub = road.hub()
    body = made.mp4(title="Phim dài", filler=12_000_000)
    digest = hashlib.sha256(body)
    said = {
        "Upload-Length": str(len(body)),
        "Upload-Metadata": f"filename {coded('phim.mp4')},sha256 {coded(digest.hexdigest())}",
    }
    status, answer, headers = hub.ask("POST", "/api/v1/uploads", headers={**TUS, **said})
    assert status == 201, answer
    place = headers["Location"]
    line = half_sent(hub, place, body, 7_000_000)
    until(lambda: sum(p.stat().st_size for p in (hub.data / "uploads").iterdir()) > 4_000_000)
    hub.kill()
    line.close()

    hub.start()
    status, _, headers = hub.ask("HEAD", place, headers=TUS)
    offset = int(headers["Upload-Offset"])
    assert status == 200
    assert 0 < offset <= 7_000_000
    status, answer, headers = hub.ask("PATCH", place, body[offset:], {**PATCH, "Upload-Offset": str(offset)})
    assert status == 204, answer
    item = headers["Densach-Item"]
    until(lambda: hub.ask("GET", f"/api/v1/items/{item}")[0] == 200)
    assert hub.api("GET", f"/items/{item}")["title"] == "Phim dài"
    _, whole, _ = hub.ask("GET", f"/items/{item}/file")
    assert hashlib.sha256(whole).digest() == digest.digest()
