"""Jinja2 for every room: `room/page.html`, strict about missing names, strings in the reader's language."""

from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import jinja2

from densach_core.text import t
from densach_core.web.assets import Assets
from densach_core.web.speech import LOCALE, Speech


class Templates:
    """Renders a room's templates. `folders`: room → its templates folder; `calls`: what macros call on any page.

    Macros are imported without context wherever they need none: such an import is made once, not on every page, where it leaves
    a hundred objects that point at each other and wait to be searched for.
    """

    def __init__(self, folders: Mapping[str, Path], speech: Speech, assets: Assets, calls: Mapping[str, Any]) -> None:
        self.env = _Environment(
            loader=jinja2.PrefixLoader({room: jinja2.FileSystemLoader(folder) for room, folder in folders.items()}),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            bytecode_cache=_compiled(),
            extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
        )
        self.env.globals.update(_=speech.gettext, _n=speech.ngettext, asset=assets.address, t=t, locale_now=LOCALE.get, **calls)
        self.env.filters.update(
            say=speech.say,
            number=speech.number,
            percent=speech.percent,
            datetime=speech.datetime,
            date=speech.date,
            time=speech.time,
            ago=speech.ago,
            duration=speech.duration,
            size=speech.size,
        )

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        return self.env.get_template(name).render(values)


class _Environment(jinja2.Environment):
    """No template has globals of its own here. Jinja's layered map of them makes each `import` compare all names in Python, a
    fifth of what a small page costs; one dictionary does it at once."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return super().make_globals(d) if d else self.globals


def _compiled() -> jinja2.BytecodeCache | None:
    """Compiled templates in the user's own temporary folder: compiling all costs 0.7 s of CPU, loading them 0.02 s.

    None where there is no such folder that only this user can write.
    """
    try:
        return jinja2.FileSystemBytecodeCache()
    except (RuntimeError, OSError):
        return None
