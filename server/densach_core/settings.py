"""`densach.toml` and secrets: unknown keys are errors with their path; a flag of the command line wins over the file."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from densach_core.errors import BadInput
from densach_core.text import t

T = TypeVar("T", bound=msgspec.Struct)


def read_settings(path: Path, kind: type[T]) -> T:
    """The settings in a TOML file; a missing file means every default.

    A key `x_file` stands for the secret `x`, read from the file it names.
    Raises BadInput("settings.…") naming file and key.
    """
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        found = {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput("settings.not-toml", t("{file} cannot be read: {reason}", file=str(path), reason=str(error))) from error
    _read_secrets(found, path)
    try:
        return msgspec.convert(found, kind, strict=True)
    except msgspec.ValidationError as error:
        raise BadInput(
            "settings.wrong", t("{file}: {reason}", file=str(path), reason=str(error)), t("Correct this key in the file.")
        ) from error


def _read_secrets(table: dict[str, Any], path: Path) -> None:
    for key, value in list(table.items()):
        if isinstance(value, dict):
            _read_secrets(value, path)
        elif key.endswith("_file") and isinstance(value, str):
            try:
                table[key.removesuffix("_file")] = (path.parent / value).read_text("utf-8").strip()
            except OSError as error:
                raise BadInput("settings.no-secret", t("The secret file {file} cannot be read.", file=value), key=key) from error
            del table[key]
