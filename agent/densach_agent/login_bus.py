"""Asks logind over the system bus whether a session is idle: three short messages instead of a process of `loginctl`.

Only what that needs of the D-Bus protocol (freedesktop.org, D-Bus Specification 0.43): little-endian method calls with
string arguments, and a boolean in a variant as the answer.
"""

import contextlib
import os
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

Reader: TypeAlias = Callable[[int], bytes]
SOCKET = "run/dbus/system_bus_socket"
_SECONDS = 0.5
"""For everything together: measuring never waits for a bus that hangs."""
_LARGEST = 64 * 1024
_CALL, _RETURN, _ERROR = 1, 2, 3


class BusError(Exception):
    """There is no bus, it hangs, or it says no."""


class LoginBus:
    """A connection for one round of questions: `with LoginBus(root) as bus: bus.idle("3")`. Raises BusError."""

    def __init__(self, root: Path) -> None:
        self._path = str(root / SOCKET)
        self._until = time.monotonic() + _SECONDS
        self._serial = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def __enter__(self) -> "LoginBus":
        try:
            self._wait_no_longer()
            self._socket.connect(self._path)
            self._socket.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
            if not self._line().startswith(b"OK "):
                raise BusError("not let in")
            self._socket.sendall(b"BEGIN\r\n")
            self._call("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus", "Hello")
        except OSError as error:
            self._socket.close()
            raise BusError(str(error)) from None
        except BusError:
            self._socket.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def idle(self, session: str) -> bool:
        """logind's IdleHint: what the desktop said, for desktops that say it."""
        try:
            signature, body = self._call(
                f"/org/freedesktop/login1/session/{path_word(session)}",
                "org.freedesktop.login1",
                "org.freedesktop.DBus.Properties",
                "Get",
                "org.freedesktop.login1.Session",
                "IdleHint",
            )
        except OSError as error:
            raise BusError(str(error)) from None
        if signature != "v" or body[:4] != b"\x01b\x00\x00" or len(body) < 8:
            raise BusError("not a truth value")
        return bool(struct.unpack_from("<I", body, 4)[0])

    # ---- inside ---------------------------------------------------------------------------------------------------

    def _wait_no_longer(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise BusError("too slow")
        self._socket.settimeout(left)

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\r\n"):
            line += self._some(1)
            if len(line) > 1024:
                raise BusError("endless")
        return line

    def _some(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            self._wait_no_longer()
            piece = self._socket.recv(size - len(got))
            if not piece:
                raise BusError("closed")
            got += piece
        return got

    def _call(self, path: str, destination: str, interface: str, member: str, *words: str) -> tuple[str, bytes]:
        """(signature, body) of the answer. Signals that come first are passed over."""
        self._serial += 1
        self._socket.sendall(message(_CALL, self._serial, {1: path, 2: interface, 3: member, 6: destination}, words))
        while True:
            kind, fields, body = self._message()
            if fields.get(5) != self._serial:
                continue
            if kind == _ERROR:
                raise BusError(str(fields.get(4)))
            return str(fields.get(8, "")), body

    def _message(self) -> tuple[int, dict[int, object], bytes]:
        return receive(self._some)


def path_word(session: str) -> str:
    """A session's id as part of an object path: a leading digit and everything odd as `_hex`."""
    odd = [
        not (letter.isascii() and letter.isalpha()) and (place == 0 or not letter.isdecimal())
        for place, letter in enumerate(session)
    ]
    return "".join(f"_{ord(letter):02x}" if strange else letter for letter, strange in zip(session, odd, strict=True)) or "_"


def message(
    kind: int, serial: int, fields: dict[int, object], words: tuple[str, ...] = (), raw: tuple[str, bytes] = ("", b"")
) -> bytes:
    """A message with string arguments, or with a body already made (`raw`: signature, bytes)."""
    signature, body = raw
    if words:
        signature, body = "s" * len(words), b""
        for word in words:
            body = _padded(body, 4) + _string(word)
    if signature:
        fields = {**fields, 8: signature}
    head = b""
    for code, value in fields.items():
        head = _padded(head, 8)
        if code == 8:
            head += b"\x08\x01g\x00" + bytes([len(str(value))]) + str(value).encode() + b"\x00"
        elif code == 5:
            head += struct.pack("<B3sI", 5, b"\x01u\x00", value)
        else:
            head += bytes([code, 1]) + (b"o" if code == 1 else b"s") + b"\x00" + _string(str(value))
    start = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), serial, len(head))
    return _padded(start + head, 8) + body


def receive(some: Reader) -> tuple[int, dict[int, object], bytes]:
    """(kind, header fields, body) of the next message; `some(n)` gives exactly n bytes."""
    start = some(16)
    if start[:1] != b"l":
        raise BusError("the other byte order")
    body_size, _, head_size = struct.unpack_from("<III", start, 4)
    if body_size > _LARGEST or head_size > _LARGEST:
        raise BusError("too large")
    head = some(head_size + -head_size % 8)
    body = some(body_size)
    with contextlib.suppress(struct.error, IndexError):
        return start[1], _fields(head[:head_size]), body
    raise BusError("malformed")


def _fields(head: bytes) -> dict[int, object]:
    found: dict[int, object] = {}
    at = 0
    while at < len(head):
        at += -at % 8
        code, kind = head[at], head[at + 2 : at + 3]
        at += 4
        if kind == b"u":
            found[code] = struct.unpack_from("<I", head, at)[0]
            at += 4
        elif kind == b"g":
            size = head[at]
            found[code] = head[at + 1 : at + 1 + size].decode("utf-8", "replace")
            at += size + 2
        elif kind in (b"s", b"o"):
            size = struct.unpack_from("<I", head, at)[0]
            found[code] = head[at + 4 : at + 4 + size].decode("utf-8", "replace")
            at += size + 5
        else:
            raise BusError("an unknown kind of field")
    return found


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<I", len(data)) + data + b"\x00"


def _padded(data: bytes, to: int) -> bytes:
    return data + b"\x00" * (-len(data) % to)
