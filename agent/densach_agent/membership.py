"""What makes a machine a member of its school: the files in the data folder, and how they go when it is none any more.

`enrolled.json` who we are and where the broker is · `device.key`, `device.crt`, `ca.crt` · `joining.json` a request that
waits to be admitted · `requests.json` what the hub asked · `was.json` the identity this disk had in another machine ·
`outbox.db` the stream.
"""

import logging
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from densach_agent.ledger import FILE as REQUESTS
from densach_agent.link import Credentials, Line
from densach_agent.settings import write_whole
from densach_wire.enrolment import Endpoint
from densach_wire.likeness import Verdict, decide
from densach_wire.messages import Desired, Factor

log = logging.getLogger(__name__)
T = TypeVar("T")


class Enrolled(Struct, frozen=True, kw_only=True):
    school: str
    device: str
    hub: str
    mqtt: tuple[Endpoint, ...]
    fingerprint: tuple[Factor, ...]
    """Of the machine that was admitted."""
    password: str | None = None
    user_key: str | None = None


class Joining(Struct, frozen=True):
    """A request that waits. `ticket` goes with the key in `device.key`."""

    hub: str
    ticket: str


class Was(Struct, frozen=True):
    device: str


class Membership:
    """The data folder, read and written by intent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = folder / "device.key"
        self.certificate = folder / "device.crt"
        self.ca = folder / "ca.crt"
        self.outbox = folder / "outbox.db"

    def enrolled(self) -> Enrolled | None:
        return self._read("enrolled.json", Enrolled)

    def enter(self, enrolled: Enrolled, certificate: str | None, ca: str | None) -> None:
        """`enrolled.json` last: with it the machine is a member."""
        if certificate is not None and ca is not None:
            write_whole(self.ca, ca)
            write_whole(self.certificate, certificate)
        write_whole(self.folder / "enrolled.json", _text(enrolled), secret=True)
        self.stop_joining()
        (self.folder / "was.json").unlink(missing_ok=True)

    def update(self, enrolled: Enrolled) -> None:
        write_whole(self.folder / "enrolled.json", _text(enrolled), secret=True)

    def leave(self) -> None:
        """Drops stream, outbox, requests, key and certificate: they belong to another machine. Its name is kept for the hub.

        `enrolled.json` goes last: a power cut on the way leaves a machine that is found to be another one once more, never
        one that tells another's records as its own.
        """
        enrolled = self.enrolled()
        if enrolled is not None:
            write_whole(self.folder / "was.json", _text(Was(enrolled.device)))
        names = ("device.key", "device.crt", "desired.json", "joining.json", "status.json", REQUESTS, "enrolled.json")
        for path in [*self.folder.glob("outbox.db*"), *(self.folder / name for name in names)]:
            path.unlink(missing_ok=True)
        log.warning("this machine gave up its identity")

    def leave_if_copied(self, now: tuple[Factor, ...]) -> bool:
        """True if this disk was admitted in another machine; then the identity is gone. Else what is new of this machine is
        remembered; what cannot be read this time (no root) is not forgotten."""
        enrolled = self.enrolled()
        if enrolled is None:
            return False
        decision = decide(enrolled.fingerprint, now)
        if decision.verdict is Verdict.CLONE:
            log.warning("%s changed and not enough stayed: this is another machine", ", ".join(decision.changed))
            self.leave()
            return True
        kinds = {factor.kind for factor in now}
        unread = tuple(factor for factor in enrolled.fingerprint if factor.kind not in kinds)
        merged = tuple(sorted((*now, *unread), key=lambda factor: (factor.kind, factor.digest)))
        if merged != enrolled.fingerprint:
            self.update(msgspec.structs.replace(enrolled, fingerprint=merged))
        return False

    def was(self) -> str | None:
        found = self._read("was.json", Was)
        return None if found is None else found.device

    def joining(self) -> Joining | None:
        return self._read("joining.json", Joining)

    def wait_to_join(self, joining: Joining) -> None:
        write_whole(self.folder / "joining.json", _text(joining), secret=True)

    def stop_joining(self) -> None:
        (self.folder / "joining.json").unlink(missing_ok=True)

    def desired(self) -> Desired:
        return self._read("desired.json", Desired) or Desired()

    def wish(self, desired: Desired) -> None:
        write_whole(self.folder / "desired.json", _text(desired))

    def lines(self, enrolled: Enrolled) -> list[Line]:
        """The ways to the broker, in the order the hub gave them."""
        host = host_of(enrolled.hub)
        found = []
        for endpoint in enrolled.mqtt:
            if endpoint.tls:
                credentials = Credentials(self.ca, self.certificate, self.key)
            else:
                credentials = Credentials(password=enrolled.password)
            found.append(Line(endpoint.host or host, endpoint.port, enrolled.school, enrolled.device, credentials))
        return found

    def _read(self, name: str, kind: type[T]) -> T | None:
        try:
            return msgspec.json.decode((self.folder / name).read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            log.error("%s cannot be read (%s): as if it were not there", name, error)
            return None


def host_of(url: str) -> str:
    from urllib.parse import urlsplit

    return urlsplit(url).hostname or "localhost"


def _text(value: Struct) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=1).decode() + "\n"
