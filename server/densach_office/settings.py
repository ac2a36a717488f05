"""`densach.toml` of an office: every key with its default."""

from pathlib import Path

import msgspec

from densach_core.settings import read_settings


class WebSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[web]`. Addresses are HOST:PORT. TLS is nginx's work; `https` is the port it listens on, for redirects."""

    http: str = "127.0.0.1:8081"
    https: int = 0


class LogSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[logs]`."""

    level: str = "info"


class OfficeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of an office's `densach.toml`."""

    web: WebSettings = WebSettings()
    logs: LogSettings = LogSettings()


def office_settings(data: Path) -> OfficeSettings:
    """The settings of a data folder. Raises BadInput naming file and key."""
    return read_settings(data / "densach.toml", OfficeSettings)
