"""Users of the equipment's listener, kept beside the broker's files: name, kind and a hash.

The account `studio` is made at the first start, so that a plug can be connected on a school's first day; its password
is readable by the hub's user only and shown to technicians.
"""

import re
import secrets
from pathlib import Path

import msgspec

from densach_core.errors import BadInput
from densach_core.text import t
from densach_hub.link.configuration import password_hash, write_files
from densach_hub.link.model import AccountKind, EquipmentAccount

STUDIO = "studio"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # what is typed into a plug's web page must not be misread


class EquipmentAccounts:
    """The accounts of one data folder. Small and rarely written: plain files, read at each use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "accounts.json"
        self._studio = folder / "studio.password"

    def all(self) -> tuple[EquipmentAccount, ...]:
        if not self._file.exists():
            self._make_studio()
        return msgspec.json.decode(self._file.read_bytes(), type=tuple[EquipmentAccount, ...])

    def studio_password(self) -> str:
        """What to type into a plug's MQTT page, user `studio`."""
        self.all()
        return self._studio.read_text("utf-8").strip()

    def put(self, name: str, kind: AccountKind, password: str | None = None) -> str:
        """Adds or replaces an account; returns its password (made up where none is given).

        Raises BadInput("link.account-name") for a name that is not lower-case letters, digits, `-`, `_`.
        """
        if not _NAME.match(name):
            raise BadInput(
                "link.account-name",
                t("“{name}” cannot be a user name here.", name=name),
                t("Use lower-case letters, digits, - and _ only."),
                field="name",
            )
        password = made_up_password() if password is None else password
        accounts = {account.name: account for account in self.all()}
        accounts[name] = EquipmentAccount(name, kind, password_hash(password))
        self._write(tuple(accounts.values()))
        return password

    def remove(self, name: str) -> None:
        self._write(tuple(account for account in self.all() if account.name != name))

    def _make_studio(self) -> None:
        password = made_up_password()
        write_files(self._folder, {self._studio.name: password + "\n"})
        self._write((EquipmentAccount(STUDIO, AccountKind.EQUIPMENT, password_hash(password)),))

    def _write(self, accounts: tuple[EquipmentAccount, ...]) -> None:
        write_files(self._folder, {self._file.name: msgspec.json.encode(accounts).decode()})


def made_up_password(length: int = 20) -> str:
    """About 100 bits, without characters that look alike."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
