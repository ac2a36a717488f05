"""ZIM: a whole website of articles in one file. Its title and picture are read here, its articles later and in batches.

Without libzim (`densach[zim]`) the file is shelved with what its header says, and read again once libzim is there.
"""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import msgspec

from densach_hub.library.formats.found import Found, Source, Unreadable
from densach_hub.library.formats.workshop import Workshop
from densach_hub.library.formats.zim_header import MAGIC, title_of
from densach_hub.library.formats.zim_talk import FRAME, About, Answer, Ask
from densach_hub.library.model import Creator, Kind

MEDIA_TYPE = "application/x-zim"
NO_LIBZIM = "library.zim-not-installed"
ANSWER_SECONDS = 60
_CODE = re.compile(r"[a-z]{2,3}")
LANGUAGES = {"vie": "vi", "eng": "en", "fra": "fr", "zho": "zh", "jpn": "ja", "kor": "ko", "rus": "ru", "deu": "de", "ara": "ar"}


class Zim:
    def fits(self, source: Source) -> bool:
        return source.head.startswith(MAGIC)

    def read(self, source: Source, workshop: Workshop) -> Found:
        title = title_of(source.path)
        if not can_be_read():
            return Found(kind=Kind.ZIM, media_type=MEDIA_TYPE, suffixes=(".zim",), title=title, remark=NO_LIBZIM)
        about, picture = _about(source.path)
        if picture:
            workshop.cover(picture)
        language = (about.language or "").split(",")[0].strip().lower()
        return Found(
            kind=Kind.ZIM,
            media_type=MEDIA_TYPE,
            suffixes=(".zim",),
            title=about.title or title,
            creators=(Creator(about.creator[:200]),) if about.creator else (),
            language=LANGUAGES.get(language, language if _CODE.fullmatch(language) else None),
            publisher=about.publisher,
            published=(about.date or "")[:10] or None,
            topics=about.tags,
            description=about.description,
            rights=about.licence,
            pages=about.articles or None,
        )


def can_be_read() -> bool:
    """Whether libzim is installed; looked up without loading it."""
    return importlib.util.find_spec("libzim") is not None


def command(path: Path) -> list[str]:
    """How the process that has a ZIM file open is started."""
    return [sys.executable, "-m", "densach_hub.library.formats.zim_worker", str(path)]


def _about(path: Path) -> tuple[About, bytes]:
    question = msgspec.json.encode(Ask("about")) + b"\n"
    try:
        done = subprocess.run(
            command(path), input=question, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=ANSWER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Unreadable("library.reader-too-slow", "libzim") from error
    if len(done.stdout) < FRAME.size:
        raise Unreadable("library.damaged", f"libzim ended with {done.returncode}")
    told, size = FRAME.unpack_from(done.stdout)
    answer = msgspec.json.decode(done.stdout[FRAME.size : FRAME.size + told], type=Answer)
    if answer.about is None:
        raise Unreadable("library.damaged", answer.detail)
    return answer.about, done.stdout[FRAME.size + told :][:size]
