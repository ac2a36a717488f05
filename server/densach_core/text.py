"""Sentences a person will read, kept translatable until the language of the reader is known."""

from typing import Any

import msgspec


class Text(msgspec.Struct, frozen=True):
    """A sentence with named placeholders: `msgid` is English, `values` fill `{name}` after translation.

    `many` and `n` are set when the sentence has a plural form in English.
    """

    msgid: str
    values: dict[str, Any] = {}
    many: str | None = None
    n: int | None = None


def t(msgid: str, /, **values: object) -> Text:
    """A translatable sentence. The msgid must be a literal, or the catalogue cannot be checked for it."""
    return Text(msgid, values)


def tn(one: str, many: str, /, *, n: int, **values: object) -> Text:
    """A translatable sentence that counts: `n` chooses the form and is a value too."""
    return Text(one, {"n": n, **values}, many, n)
