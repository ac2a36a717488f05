"""What waits to go up, and to whom."""

import msgspec

from densach_wire.upward import Body


class Identity(msgspec.Struct, frozen=True):
    """Who speaks: the code the next level knows this installation by, and its name."""

    code: str
    name: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """Something the installation has to say now. `subject` tells statements of one kind apart (an indicator's key, a
    room's id; "" where a school has only one). `as_of` is an ISO date."""

    kind: str
    subject: str = ""
    as_of: str
    body: Body

    def record_id(self, school: str) -> str:
        return f"{school}/{self.kind}/{self.subject}" if self.subject else f"{school}/{self.kind}"


class Parent(msgspec.Struct, frozen=True, kw_only=True):
    """An office records go to. `problem` is the code of what went wrong last, None after a success; times in ms."""

    id: int
    url: str
    office: str
    name: str
    paired_at: int
    heard_at: int | None = None
    tried_at: int | None = None
    next_at: int = 0
    failures: int = 0
    problem: str | None = None


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A record in the outbox, exactly as it will be sent."""

    record: str
    as_of: str
    version: int
    event: str
    body: bytes
    queued_at: int
    kept_version: bool = False


class Current(msgspec.Struct, frozen=True, kw_only=True):
    """What was last said about a record. `digest` is None when the office is known to hold something newer than we
    remember (after a restore): the next statement is then sent whether or not it looks changed."""

    record: str
    kind: str
    version: int
    event: str
    as_of: str
    digest: str | None
    body: bytes


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A record an office did not take, for a person to look at."""

    office: str
    record: str
    version: int
    code: str
    at: int


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """The state of sending to one office, as the page shows it."""

    parent: Parent
    waiting: int
    oldest_at: int | None
