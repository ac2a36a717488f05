"""What the connection to the devices is made of: addresses, listeners, equipment accounts, messages, states."""

from enum import StrEnum
from pathlib import Path

import msgspec

from densach_core.text import Text


class BrokerKind(StrEnum):
    MOSQUITTO = "mosquitto"  # a child process the hub configures, starts and watches
    IN_PROCESS = "in-process"  # amqtt on loopback, where Mosquitto cannot be installed: not for a real school
    EXTERNAL = "external"  # somebody else runs it


class BrokerAddress(msgspec.Struct, frozen=True):
    """How the hub itself reaches the broker. `ca_file` is only read when `tls` is set (None: the system's CAs)."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: bool = False
    ca_file: Path | None = None
    mqtt5: bool = True
    """False: never try MQTT 5 (amqtt speaks 3.1.1 only)."""

    def __repr__(self) -> str:
        return f"BrokerAddress({self.user}@{self.host}:{self.port}{' tls' if self.tls else ''})"


class Listener(msgspec.Struct, frozen=True):
    """Where the broker listens. An empty `bind` means every interface."""

    port: int
    bind: str = ""


class TlsFiles(msgspec.Struct, frozen=True):
    """PEM files for the devices' listener. `crl` is read by the broker at its start, and may be missing."""

    ca: Path
    cert: Path
    key: Path
    crl: Path | None = None


class AccountKind(StrEnum):
    EQUIPMENT = "equipment"  # plugs and the like that speak their own dialect
    DEVICE = "device"  # speaks our contract without TLS; the user name is the device's id


class EquipmentAccount(msgspec.Struct, frozen=True):
    """A user of the plain listener. `secret` is Mosquitto's `$7$…` hash, never the password."""

    name: str
    kind: AccountKind
    secret: str


class BrokerPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the embedded Mosquitto's configuration is written from."""

    folder: Path
    school: str
    hub_port: int
    hub_secret: str
    devices: Listener | None
    tls: TlsFiles | None
    equipment: Listener | None
    accounts: tuple[EquipmentAccount, ...] = ()
    revoked: frozenset[str] = frozenset()
    run_as: str | None = None
    """`user` of the configuration: Mosquitto started by root would otherwise become another user."""


class BrokerStatus(msgspec.Struct, frozen=True):
    """For `doctor` and the settings page. `note` is what a person should know, if anything."""

    kind: BrokerKind
    running: bool
    where: str
    starts: int = 0
    note: Text | None = None


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message as it came. `token` is for `Link.done`: (connection, mid, qos)."""

    topic: str
    payload: bytes
    retained: bool
    received_ms: int
    token: tuple[int, int, int]


class LinkStatus(msgspec.Struct, frozen=True):
    """`dropped` is what the broker says it had to throw away since it started (None: it does not say)."""

    connected: bool
    since_ms: int | None
    connects: int
    received: int
    waiting: int
    waiting_bytes: int
    mqtt5: bool
    dropped: int | None
    trouble: str | None
