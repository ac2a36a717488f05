"""Does a broker answer? One CONNECT and its CONNACK (MQTT 3.1.1, 3.1 and 3.2), then gone: no session is left behind."""

import secrets
import socket
import ssl
import struct

import msgspec

from densach_hub.link.model import BrokerAddress

REFUSALS = {1: "protocol", 2: "client-id", 3: "unavailable", 4: "password", 5: "account"}


class Probed(msgspec.Struct, frozen=True):
    """`refused`: it answered, and did not let us in ("account", "password", …); `silent`: why it did not answer at all."""

    refused: str | None = None
    silent: str | None = None


def probe(address: BrokerAddress, seconds: float = 3.0) -> Probed:
    """Asks a broker with the account in `address`, or with none. Blocking, for at most twice `seconds`."""
    try:
        with socket.create_connection((address.host, address.port), seconds) as plain:
            plain.settimeout(seconds)
            if not address.tls:
                return _connect(plain, address)
            context = ssl.create_default_context(cafile=str(address.ca_file) if address.ca_file else None)
            with context.wrap_socket(plain, server_hostname=address.host) as secure:
                return _connect(secure, address)
    except (OSError, ValueError) as error:
        return Probed(silent=getattr(error, "strerror", None) or str(error) or type(error).__name__)


def listens(host: str, port: int, seconds: float = 2.0) -> bool:
    """Whether somebody takes connections there; blocking."""
    try:
        with socket.create_connection((host, port), seconds):
            return True
    except OSError:
        return False


def _connect(line: socket.socket, address: BrokerAddress) -> Probed:
    line.sendall(_packet(address))
    answer = b""
    while len(answer) < 4 and (more := line.recv(4 - len(answer))):
        answer += more
    if len(answer) < 4 or answer[:2] != b"\x20\x02":
        return Probed(silent="no MQTT")
    if answer[3] == 0:
        line.sendall(b"\xe0\x00")
        return Probed()
    return Probed(refused=REFUSALS.get(answer[3], str(answer[3])))


def _packet(address: BrokerAddress) -> bytes:
    flags = 0x02  # a clean session: nothing is kept for us
    fields = [_field(f"densach-doctor-{secrets.token_hex(4)}")]
    if address.user is not None:
        flags |= 0x80
        fields.append(_field(address.user))
        if address.password is not None:
            flags |= 0x40
            fields.append(_field(address.password))
    body = _field("MQTT") + struct.pack(">BBH", 4, flags, 10) + b"".join(fields)
    return b"\x10" + _length(len(body)) + body


def _field(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">H", len(raw)) + raw


def _length(n: int) -> bytes:
    digits = bytearray()
    while True:
        n, digit = divmod(n, 128)
        digits.append(digit | (0x80 if n else 0))
        if not n:
            return bytes(digits)
