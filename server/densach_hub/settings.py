"""`densach.toml` of a hub: every key with its default; the table in the README is tested against this."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from densach_core.settings import read_settings
from densach_hub.link.choice import BrokerSettings
from densach_hub.provisioning.model import ProvisionSettings


class WebSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[web]`. Addresses are HOST:PORT; an empty one means: not served."""

    http: str = "127.0.0.1:8080"
    https: str = ""
    """Staff from other machines are sent here when it is set; the certificate is the school's own CA's."""
    https_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """TLS is nginx's work on this machine: the port it listens on, to which staff is sent. 0: no nginx does it."""
    packages: str = ""
    """Where untrusted packages (simulations) are served; default: the port after `http`."""
    names: tuple[str, ...] = ("densach.lan",)
    """Names and addresses under which lab machines reach the hub; they go into its certificate."""
    x_accel: Annotated[str, msgspec.Meta(pattern=r"^(|/([A-Za-z0-9_-]+/)+)$")] = ""
    """Where nginx on this machine has the library's files for itself (an `internal` location, `/_vault/`): then it sends them."""
    searches_per_s: Annotated[float, msgspec.Meta(ge=0)] = 10.0
    """Of one account, with three seconds' worth at once; of an address without log-in four times as many. 0: no limit."""


class LibrarySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[library]`."""

    import_folders: tuple[str, ...] = ("/media", "/mnt")
    """Where sticks and other disks appear: the desk offers the Calibre libraries it finds there. None: it offers none."""


class SharedSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[shared]`: machines many people use, as a lab in kiosk mode. Who goes away from one is signed out."""

    machines: tuple[str, ...] = ()
    """Their addresses or networks, as the hub sees them: `["10.0.5.0/24"]`. None: nobody is signed out so."""
    idle_minutes: Annotated[int, msgspec.Meta(ge=1, le=240)] = 10


class BackupSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[backup]`: every night at `hour` (school time) into `folder`; the newest `keep` stay."""

    folder: str = ""
    """Default: `backups` in the data folder. A stick or another disk is better."""
    hour: Annotated[int, msgspec.Meta(ge=0, le=23)] = 2
    keep: Annotated[int, msgspec.Meta(ge=1)] = 14


class LogSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[logs]`."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class HubSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of a hub's `densach.toml`."""

    web: WebSettings = WebSettings()
    library: LibrarySettings = LibrarySettings()
    shared: SharedSettings = SharedSettings()
    mqtt: BrokerSettings = BrokerSettings()
    provision: ProvisionSettings = ProvisionSettings()
    backup: BackupSettings = BackupSettings()
    logs: LogSettings = LogSettings()


def hub_settings(data: Path) -> HubSettings:
    """The settings of a data folder. Raises BadInput naming file and key."""
    return read_settings(data / "densach.toml", HubSettings)
