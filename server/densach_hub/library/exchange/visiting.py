"""Fetching from another catalogue: only by http(s), only from the one address a person named, with limits on everything.

A feed is written by a stranger. Whatever it links to is asked for only at the host and port it came from itself (http may
become https there), so that nobody makes the hub knock at other doors of the school.
"""

import http.client
import ipaddress
import shutil
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urljoin, urlsplit

from densach_core.errors import BadInput, Problem, TooLarge
from densach_core.text import t

WAIT_S = 20.0
MOST_LOGIN = 200
WHOLE_S = 900.0
REDIRECTS = 3
TRIES = 3
BLOCK = 256 * 1024
AGENT = "DenSach (OPDS)"
MOVED = {301, 302, 303, 307, 308}


class Unreachable(BadInput):
    """The other side is away, or went away in the middle: worth another try."""


class Visitor:
    """Asks one catalogue. `here`: also this machine itself (a command of the one who runs it, never a page); `login`: name and
    password (Basic, RFC 7617), told to that one address alone."""

    def __init__(self, start: str, *, here: bool = False, login: tuple[str, str] | None = None) -> None:
        """Raises BadInput("import.address")."""
        self.start = checked(start)
        self._here = here
        self._headers = {"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
        if login is not None:
            self._headers["Authorization"] = f"Basic {b64encode(':'.join(login).encode()).decode()}"
        self.stopped = False

    def text(self, address: str, most: int) -> tuple[str, str]:
        """(address it really came from, body). Raises BadInput, TooLarge, Unreachable."""
        with self._answer(address) as (at, answer):
            body = answer.read(most + 1)
            if len(body) > most:
                raise TooLarge("import.feed-too-large", t("A page of the other catalogue is too large."))
            return at, body.decode(errors="replace")

    def into(self, address: str, file: IO[bytes], most: int) -> int:
        """Writes a file; returns its bytes. What breaks off is tried again. Raises as `text`."""
        for left in reversed(range(TRIES)):
            file.seek(0)
            file.truncate()
            try:
                return self._into(address, file, most)
            except Unreachable:
                if not left:
                    raise
                time.sleep(1.0)
        raise _unreachable()

    def _into(self, address: str, file: IO[bytes], most: int) -> int:
        with self._answer(address) as (_, answer):
            said = answer.getheader("Content-Length")
            if said and said.isdecimal() and int(said) > most:
                raise TooLarge("import.file-too-large", t("A file of the other catalogue is too large."))
            taken, until = 0, time.monotonic() + WHOLE_S
            try:
                while block := answer.read(BLOCK):
                    taken += len(block)
                    if taken > most:
                        raise TooLarge("import.file-too-large", t("A file of the other catalogue is too large."))
                    if self.stopped or time.monotonic() > until:
                        raise _unreachable()
                    file.write(block)
            except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
                raise _unreachable() from error
            if said and said.isdecimal() and int(said) != taken:
                raise _unreachable()
            return taken

    def may_ask(self, address: str) -> bool:
        """Whether an address lies where the catalogue itself does."""
        try:
            one, own = urlsplit(address), urlsplit(self.start)
            ports = (one.port or _usual(one.scheme), own.port or _usual(own.scheme))
        except ValueError:
            return False
        upgraded = own.scheme == "http" and one.scheme == "https" and ports == (443, 80)
        return one.hostname == own.hostname and ((one.scheme == own.scheme and ports[0] == ports[1]) or upgraded)

    @contextmanager
    def _answer(self, address: str) -> Iterator[tuple[str, http.client.HTTPResponse]]:
        at = address
        for _ in range(REDIRECTS + 1):
            if not self.may_ask(at):
                raise BadInput("import.elsewhere", t("The other catalogue leads to another address; it was not followed."))
            connection = self._connect(at)
            try:
                parts = urlsplit(at)
                path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (f"?{parts.query}" if parts.query else "")
                connection.request("GET", path, headers=self._headers)
                answer = connection.getresponse()
                if answer.status in MOVED and (to := answer.getheader("Location")):
                    at = urljoin(at, to)
                    continue
                if answer.status != 200:
                    raise _refused(answer.status, logged_in="Authorization" in self._headers)
                yield at, answer
                return
            except (http.client.HTTPException, OSError, ValueError) as error:
                raise _unreachable() from error
            finally:
                connection.close()
        raise BadInput("import.elsewhere", t("The other catalogue leads to another address; it was not followed."))

    def _connect(self, address: str) -> http.client.HTTPConnection:
        """Connected to an address that was looked at: what a name means cannot change in between."""
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or _usual(parts.scheme)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise _unreachable() from error
        fit = [one for one in found if self._here or not is_own(str(one[4][0]))]
        if not fit:
            raise BadInput("import.own-address", t("This address is the hub itself."), t("Give another machine's address."))
        connection = _Fixed(host, port, fit[0][4][:2])
        if parts.scheme == "https":
            connection.secure = ssl.create_default_context()
        return connection


class _Fixed(http.client.HTTPConnection):
    """A connection to one numeric address, by the name that was asked for."""

    secure: ssl.SSLContext | None = None

    def __init__(self, host: str, port: int, at: Any) -> None:
        super().__init__(host, port, timeout=WAIT_S)
        self._at = at

    def connect(self) -> None:
        plain = socket.create_connection(self._at, WAIT_S)
        self.sock = self.secure.wrap_socket(plain, server_hostname=self.host) if self.secure else plain


def checked(address: str) -> str:
    """An address as a person typed it, with its scheme. Raises BadInput("import.address")."""
    typed = address.strip()
    if "://" not in typed:
        typed = f"http://{typed}"
    try:
        parts = urlsplit(typed)
        fine = parts.scheme in {"http", "https"} and parts.hostname and parts.username is None and (parts.port or 1) > 0
    except ValueError:
        fine = False
    if not fine or len(typed) > 2000 or not typed.isprintable() or " " in typed:
        raise BadInput(
            "import.address",
            t("This is no address of a catalogue."),
            t("Write it as http://thu-vien.lan/opds"),
        )
    return typed


def checked_login(login: tuple[str, str] | None) -> tuple[str, str] | None:
    """None where no name was typed. Raises BadInput("import.login"): a name that cannot be told to the other side."""
    if login is None or not login[0]:
        return None
    name, password = login
    if ":" in name or len(name) > MOST_LOGIN or len(password) > MOST_LOGIN or not f"{name}{password}".isprintable():
        raise BadInput(
            "import.login", t("This name or password cannot be right."), t("Type them as the other catalogue gave them.")
        )
    return name, password


def is_own(address: str) -> bool:
    """Loopback, link-local and other addresses that are no other machine's."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified


def room_for(folder: Path) -> int:
    """Bytes a file may have so that the disk keeps some room."""
    return max(0, shutil.disk_usage(folder).free // 2)


def _usual(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _refused(status: int, *, logged_in: bool) -> Problem:
    if status in {401, 403} and logged_in:
        return BadInput(
            "import.login-refused",
            t("The other catalogue did not take this name and password."),
            t("Begin anew with the right ones."),
        )
    if status in {401, 403}:
        return BadInput(
            "import.locked", t("The other catalogue wants a log-in."), t("Begin anew with the name and password it gave you.")
        )
    if status >= 500 or status == 429:
        return _unreachable()
    return BadInput("import.no-feed", t("There is no catalogue at this address."), t("Look at the address once more."))


def _unreachable() -> Unreachable:
    return Unreachable("import.unreachable", t("The other catalogue cannot be reached."), t("Try again later."))
