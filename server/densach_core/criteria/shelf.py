"""Reads the criteria files: those that come with the product, and those a school or department put in their place."""

import tomllib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import msgspec

from densach_core.criteria.facts import Facts
from densach_core.criteria.figures import FIGURES
from densach_core.criteria.model import Criterion
from densach_core.text import Text, t

SHIPPED = ("computers", "studio", "library")
"""The files of the product, in the order they are shown."""


class CriteriaFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file: `id` replaces the file of the same id, `version` rises with each change and goes upward with values."""

    id: str
    version: int
    criterion: tuple[Criterion, ...]


class Shelf(msgspec.Struct, frozen=True):
    """All criteria in force, and what was wrong with files that could not be used (the shipped one stays then)."""

    criteria: tuple[Criterion, ...]
    problems: tuple[tuple[str, Text], ...] = ()

    def get(self, code: str) -> Criterion | None:
        return next((criterion for criterion in self.criteria if criterion.code == code), None)


def parse(words: str) -> CriteriaFile:
    """A file's text. Raises ValueError with the place of what does not fit (TOML, shape, unknown function or need)."""
    file = msgspec.convert(tomllib.loads(words), CriteriaFile)
    known = set(Facts.__struct_fields__)
    for criterion in file.criterion:
        if criterion.compute not in FIGURES:
            raise ValueError(f"{criterion.code}: no computation is called {criterion.compute!r}")
        if strange := set(criterion.needs) - known:
            raise ValueError(f"{criterion.code}: no facts are called {sorted(strange)}")
    return msgspec.structs.replace(
        file,
        criterion=tuple(msgspec.structs.replace(c, version=file.version, file=file.id) for c in file.criterion),
    )


def shipped() -> list[CriteriaFile]:
    folder = resources.files("densach_core.criteria") / "files"
    return [parse((folder / f"{name}.toml").read_text("utf-8")) for name in SHIPPED]


def load(folder: Path | None = None) -> Shelf:
    """The shipped criteria, with files of `folder` (DATA/criteria/*.toml) in place of those of the same id.

    A file that cannot be used is named in `problems` and changes nothing.
    """
    files = {file.id: file for file in shipped()}
    problems: list[tuple[str, Text]] = []
    for path in sorted(folder.glob("*.toml")) if folder is not None and folder.is_dir() else ():
        try:
            file = parse(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            why = t("The criteria file {file} cannot be used: {error}", file=path.name, error=str(error))
            problems.append((path.name, why))
        else:
            files[file.id] = file
    return Shelf(tuple(_once(files.values())), tuple(problems))


def _once(files: Iterable[CriteriaFile]) -> Iterable[Criterion]:
    """A code said twice: the later file wins, at the earlier one's place."""
    by_code: dict[str, Criterion] = {}
    for file in files:
        for criterion in file.criterion:
            by_code[criterion.code] = criterion
    return by_code.values()
