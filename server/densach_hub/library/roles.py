"""What a person did for a work: stored as a word that never changes, said and typed in the reader's language."""

from collections.abc import Callable

from densach_core.text import Text, t
from densach_hub.library.model import Creator

ROLES: dict[str, Text] = {
    "translator": t("translator"),
    "editor": t("editor"),
    "illustrator": t("illustrator"),
    "narrator": t("narrator"),
    "other": t("contributor"),
}
"""All but the author, who needs no word."""
Say = Callable[[Text], str]


def role_of(creator: Creator) -> Text | None:
    """The word beside a name; None for authors and for what nobody knows."""
    return ROLES.get(creator.role)


def line_of(creator: Creator, say: Say) -> str:
    """`Nguyễn Du`, or `Nguyễn Văn A (người dịch)`."""
    role = role_of(creator)
    return creator.name if role is None else f"{creator.name} ({say(role)})"


def creators_of(lines: tuple[str, ...], says: tuple[Say, ...]) -> tuple[Creator, ...]:
    """What `line_of` wrote, in any of the languages; a bracket that is no role belongs to the name."""
    words = {say(text).casefold(): role for role, text in ROLES.items() for say in says}
    words |= {role: role for role in (*ROLES, "author")}
    found = []
    for line in lines:
        name, bracket, word = line.rpartition(" (")
        role = words.get(word.rstrip(")").strip().casefold()) if bracket and line.endswith(")") else None
        found.append(Creator(line) if role is None else Creator(name.strip(), role))
    return tuple(found[:20])
