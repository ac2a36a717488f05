"""The topics of contract v1: `densach/1/{school}/{device}/…` and `densach/1/{school}/hub`.

Room and seat are never in a topic: machines move, access lists and retained messages would not.
"""

import re
from enum import StrEnum

import msgspec

from densach_wire.errors import BadTopic

ROOT = "densach/1"
HUB = "hub"
"""The hub's own place below the school; for this reason no device may have this id."""

_ID = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?\Z")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}\Z")


class Channel(StrEnum):
    """The level below the device."""

    PRESENCE = "presence"
    HELLO = "hello"
    BATCH = "batch"
    ACK = "ack"
    DESIRED = "desired"
    CMD = "cmd"
    RES = "res"
    HUB = "hub"


UP = frozenset({Channel.PRESENCE, Channel.HELLO, Channel.BATCH, Channel.RES})
"""What a device may write."""


class Topic(msgspec.Struct, frozen=True):
    """A parsed topic. `device` is None only for the hub's own; `name` is set only for `cmd` and `res`."""

    school: str
    device: str | None
    channel: Channel
    name: str | None = None

    def __str__(self) -> str:
        if self.device is None:
            return f"{ROOT}/{self.school}/{HUB}"
        tail = f"/{self.name}" if self.name is not None else ""
        return f"{ROOT}/{self.school}/{self.device}/{self.channel.value}{tail}"


def is_school_id(text: str) -> bool:
    """Lower-case letters, digits, `-` and `_`, at most 64, starting and ending with a letter or digit."""
    return _ID.match(text) is not None


def is_device_id(text: str) -> bool:
    """As a school id, and not the reserved word `hub`."""
    return text != HUB and _ID.match(text) is not None


def presence(school: str, device: str) -> str:
    return _build(school, device, Channel.PRESENCE)


def hello(school: str, device: str) -> str:
    return _build(school, device, Channel.HELLO)


def batch(school: str, device: str) -> str:
    return _build(school, device, Channel.BATCH)


def ack(school: str, device: str) -> str:
    return _build(school, device, Channel.ACK)


def desired(school: str, device: str) -> str:
    return _build(school, device, Channel.DESIRED)


def cmd(school: str, device: str, name: str) -> str:
    return _build(school, device, Channel.CMD, name)


def res(school: str, device: str, name: str) -> str:
    return _build(school, device, Channel.RES, name)


def hub(school: str) -> str:
    if not is_school_id(school):
        raise BadTopic(f"not a school id: {school!r}")
    return f"{ROOT}/{school}/{HUB}"


def device_filters(school: str, device: str) -> tuple[str, ...]:
    """What a device subscribes to."""
    return (ack(school, device), desired(school, device), f"{_build(school, device, Channel.CMD)}/+", hub(school))


def hub_filters(school: str) -> tuple[str, ...]:
    """What the hub subscribes to: everything that devices of its school may write."""
    if not is_school_id(school):
        raise BadTopic(f"not a school id: {school!r}")
    base = f"{ROOT}/{school}/+"
    return (f"{base}/presence", f"{base}/hello", f"{base}/batch", f"{base}/res/+")


def parse(topic: str) -> Topic:
    """Raises BadTopic for anything that is not a topic of the contract."""
    if not topic.startswith(ROOT + "/"):
        raise BadTopic(f"outside {ROOT}: {topic[:200]!r}")
    parts = topic[len(ROOT) + 1 :].split("/")
    if not is_school_id(parts[0]):
        raise BadTopic(f"not a school id: {parts[0][:80]!r}")
    if len(parts) == 2 and parts[1] == HUB:
        return Topic(parts[0], None, Channel.HUB)
    if len(parts) not in (3, 4) or not is_device_id(parts[1]):
        raise BadTopic(f"not a device's topic: {topic[:200]!r}")
    try:
        channel = Channel(parts[2])
    except ValueError:
        raise BadTopic(f"unknown channel: {parts[2][:80]!r}") from None
    named = channel in (Channel.CMD, Channel.RES)
    if channel is Channel.HUB or named != (len(parts) == 4) or (named and not _NAME.match(parts[3])):
        raise BadTopic(f"unknown channel: {topic[:200]!r}")
    return Topic(parts[0], parts[1], channel, parts[3] if named else None)


def _build(school: str, device: str, channel: Channel, name: str | None = None) -> str:
    if not is_school_id(school):
        raise BadTopic(f"not a school id: {school!r}")
    if not is_device_id(device):
        raise BadTopic(f"not a device id: {device!r}")
    if name is not None and not _NAME.match(name):
        raise BadTopic(f"not a request's name: {name!r}")
    return str(Topic(school, device, channel, name))
