"""Which broker `--mqtt` asks for: `embedded`, `embedded:PORT`, `mqtt://user@host:port`, `mqtts://user@host:port`."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
import structlog

from densach_core.errors import BadInput
from densach_core.text import t
from densach_hub.link.broker import Broker, ExternalBroker, MosquittoBroker, find_mosquitto
from densach_hub.link.inprocess import InProcessBroker
from densach_hub.link.model import BrokerAddress, Listener, TlsFiles

log = structlog.get_logger("broker")
DEVICE_PORT = 8883
EQUIPMENT_PORT = 1883


class BrokerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[mqtt]` of `densach.toml`. `password` may be given as `password_file`."""

    url: str = "embedded"
    password: str | None = None
    ca_file: str | None = None
    bind: str = ""
    """Interface of the embedded broker's listeners; empty: all of them."""
    equipment_port: int | None = EQUIPMENT_PORT
    """Plain listener for plugs and the like; none: no such listener."""


def choose_broker(
    settings: BrokerSettings, *, folder: Path, school: str, tls: TlsFiles | None, revoked: frozenset[str] = frozenset()
) -> Broker:
    """The broker of a hub. Raises BadInput("link.url") for what cannot be understood.

    `embedded` is a Mosquitto child; where Mosquitto is missing it becomes the in-process broker on loopback.
    """
    port = check(settings)
    if port is None:
        return ExternalBroker(_external(settings))
    program = find_mosquitto()
    if program is None:
        return InProcessBroker(port)
    return MosquittoBroker(
        program,
        folder,
        school=school,
        devices=Listener(port, settings.bind),
        tls=tls,
        equipment=None if settings.equipment_port is None else Listener(settings.equipment_port, settings.bind),
        revoked=revoked,
    )


def check(settings: BrokerSettings) -> int | None:
    """The port of the embedded broker, None for an external one. Raises BadInput("link.url") before anything is started."""
    kind, _, rest = settings.url.partition(":")
    if kind != "embedded":
        _external(settings)
        return None
    if rest and not (rest.isdecimal() and 0 < int(rest) < 65536):
        raise _bad_url(settings.url)
    return int(rest) if rest else DEVICE_PORT


def external_address(settings: BrokerSettings) -> BrokerAddress | None:
    """Of a broker that somebody else runs, with the hub's account there; None for an embedded one. Raises BadInput."""
    return _external(settings) if check(settings) is None else None


def _external(settings: BrokerSettings) -> BrokerAddress:
    try:
        url = urlsplit(settings.url)
        port = url.port
    except ValueError:
        raise _bad_url(settings.url) from None
    if url.scheme not in ("mqtt", "mqtts") or not url.hostname:
        raise _bad_url(settings.url)
    if url.password is not None:
        raise BadInput(
            "link.password-in-url",
            t("A password does not belong into an address."),
            t("Put it into a file, and the file's name into densach.toml: [mqtt] password_file."),
        )
    tls = url.scheme == "mqtts"
    return BrokerAddress(
        url.hostname,
        port or (DEVICE_PORT if tls else EQUIPMENT_PORT),
        unquote(url.username) if url.username else None,
        settings.password,
        tls,
        Path(settings.ca_file) if settings.ca_file else None,
    )


def _bad_url(url: str) -> BadInput:
    return BadInput(
        "link.url",
        t("“{url}” is no broker's address.", url=url),
        t("Say embedded, embedded:PORT, mqtt://user@host or mqtts://user@host."),
    )
