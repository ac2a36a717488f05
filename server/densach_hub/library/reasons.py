"""Why an item cannot be used, or is odd, in plain words: code → what it is, what to do. Codes never change."""

from pathlib import PurePath

from densach_core.text import Text, t
from densach_hub.library.model import Item

ANOTHER_COPY = t("Get the file again and add it anew.")
TELL = t("Open it on a computer; if it is fine there, save it again and add that.")

REASONS: dict[str, tuple[Text, Text]] = {
    "library.empty": (t("The file is empty."), ANOTHER_COPY),
    "library.unknown-kind": (
        t("The library does not know this kind of file."),
        t("EPUB, PDF, ZIM, films, sounds, pictures, comics, Office documents, subtitles, lessons and simulations are known."),
    ),
    "library.unknown-zip": (
        t("This ZIP file is neither a book nor a lesson, a comic or a simulation."),
        t("Unpack it and add the files inside."),
    ),
    "library.damaged": (t("The file is damaged or incomplete."), ANOTHER_COPY),
    "library.only-text": (
        t("The file holds only text: often it is a web page with an error, saved in place of the file."),
        ANOTHER_COPY,
    ),
    "library.truncated": (t("The file ends too early: it was copied only in part."), ANOTHER_COPY),
    "library.missing-part": (t("A part of the file that must be there is missing."), ANOTHER_COPY),
    "library.no-chapters": (t("The book has no chapters."), ANOTHER_COPY),
    "library.no-pages": (t("The document has no pages."), ANOTHER_COPY),
    "library.encrypted": (
        t("The file is locked with a password or copy protection."),
        t("Add a copy without the lock, if the school may have one."),
    ),
    "library.part-too-large": (t("A part of the file is too large to be read safely."), TELL),
    "library.picture-too-large": (t("The picture is too large."), t("Make it smaller than 80 megapixels.")),
    "library.zip-bomb": (
        t("The file would unpack to an enormous size."),
        t("It may have been made to do harm. Do not use it."),
    ),
    "library.zip-path": (
        t("The file tries to write outside its own folder."),
        t("It may have been made to do harm. Do not use it."),
    ),
    "library.zip-too-many": (t("The file has too many parts."), TELL),
    "library.rar": (
        t("RAR archives (CBR among them) cannot be opened here."),
        t("Unpack it on a computer and pack the pictures as a ZIP file; name it .cbz."),
    ),
    "library.nested-zip": (
        t("This ZIP file holds nothing but another ZIP file."),
        t("Unpack it once and add the ZIP file inside."),
    ),
    "library.no-web-address": (
        t("This link does not lead to a web page."),
        t("Save the link again in the browser; it must begin with http:// or https://."),
    ),
    "library.reader-crashed": (t("Reading this file crashed the reader."), TELL),
    "library.reader-too-slow": (t("Reading this file took too long."), TELL),
    "library.reader-out-of-memory": (t("Reading this file needs too much memory."), TELL),
    "library.reader-failed": (t("The file could not be read."), t("Try again; if it stays, tell the technician.")),
    "library.file-missing": (t("The file is no longer on the hub's disk."), ANOTHER_COPY),
}
"""What makes an item `broken`."""

REMARKS: dict[str, Text] = {
    "library.name-differs": t("The name of the file says another kind than its content."),
    "library.maybe-incomplete": t("The end of the file is missing; some pages may be missing too."),
    "library.no-text": t("The pages are pictures: the words in them cannot be searched."),
    "library.subtitles-alone": t("Subtitles by themselves: they belong to a film."),
    "library.packed-media": t("The recording is packed; jumping in it is slow. Pack the ZIP file without compression."),
    "library.scorm-2004": t("Made for SCORM 2004: it opens, but its results may not be kept."),
    "library.zim-not-installed": t(
        "Its articles can be read and searched once the technician has installed libzim on the hub: pip install densach[zim]"
    ),
    "library.view-failed": t("LibreOffice could not turn it into pages: it can be downloaded, and its words are found."),
    "library.view-too-slow": t("Turning it into pages took too long: it can be downloaded, and its words are found."),
    "library.not-every-browser": t("Some browsers cannot play this kind of film."),
}
"""What is odd about an item that can be used."""


CONTENTS: dict[str, Text] = {
    "application/pdf": t("a PDF file"),
    "application/epub+zip": t("an EPUB book"),
    "application/zip": t("a ZIP file"),
    "application/vnd.rar": t("a RAR archive"),
    "application/x-7z-compressed": t("a 7z archive"),
    "application/x-msdownload": t("a Windows program"),
    "application/rtf": t("an RTF document"),
    "application/x-ole-storage": t("an old Office document"),
    "image/jpeg": t("a JPEG picture"),
    "image/png": t("a PNG picture"),
    "image/gif": t("a GIF picture"),
    "image/webp": t("a WebP picture"),
    "video/mp4": t("an MP4 film"),
    "video/webm": t("a WebM film"),
    "audio/mpeg": t("MP3 sound"),
    "audio/mp4": t("MP4 sound"),
    "audio/ogg": t("OGG sound"),
    "audio/wav": t("WAV sound"),
    "audio/flac": t("FLAC sound"),
    "application/x-zim": t("a ZIM file"),
    "text/html": t("a web page"),
    "text/plain": t("plain text"),
}
_ZIPPED = ("application/zip",)
NAMES: dict[str, tuple[str, ...]] = {
    ".pdf": ("application/pdf",),
    ".epub": ("application/epub+zip", *_ZIPPED),
    ".zip": _ZIPPED,
    ".mp4": ("video/mp4", "audio/mp4"),
    ".webm": ("video/webm", "audio/webm", "video/x-matroska", "audio/x-matroska"),
    ".mp3": ("audio/mpeg",),
    ".m4a": ("audio/mp4", "video/mp4"),
    ".ogg": ("audio/ogg",),
    ".wav": ("audio/wav",),
    ".flac": ("audio/flac",),
    ".jpg": ("image/jpeg",),
    ".jpeg": ("image/jpeg",),
    ".png": ("image/png",),
    ".gif": ("image/gif",),
    ".webp": ("image/webp",),
    ".rtf": ("application/rtf",),
    ".zim": ("application/x-zim",),
}
"""What the content of a file of that name may be; the first is what the name promises."""


def reason(code: str | None) -> tuple[Text, Text] | None:
    if code is None:
        return None
    return REASONS.get(code, REASONS["library.reader-failed"])


def misnamed(it: Item) -> Text | None:
    """That a file is of another kind than its name says, both named; None when they agree or one of them is unknown."""
    suffix = PurePath(it.file_name or "").suffix.lower()
    promised, actual = NAMES.get(suffix), CONTENTS.get(it.media_type or "")
    if promised is None or actual is None or it.media_type in promised:
        return None
    return t(
        "This is not {promised} but {actual}; the file name ends in {suffix}.",
        promised=CONTENTS[promised[0]], actual=actual, suffix=suffix,
    )  # fmt: skip


def broken(it: Item) -> list[Text]:
    """Why an item cannot be used and what to do, sentence by sentence; empty when it can be."""
    why = reason(it.problem)
    if why is None:
        return []
    told = misnamed(it)
    return [told, *why] if told is not None else [*why]


def remark(it: Item) -> Text | None:
    """What is odd about an item that can be used."""
    return misnamed(it) or (REMARKS.get(it.remark) if it.remark else None)
