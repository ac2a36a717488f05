"""What a file is by its first bytes alone: for saying what came when a file cannot be read, or bears another kind's name."""

MARKUP = (b"<!doctype html", b"<html")
HEADS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"{\\rtf", "application/rtf"),
    (b"\xd0\xcf\x11\xe0", "application/x-ole-storage"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"MZ", "application/x-msdownload"),
    (b"ZIM\x04", "application/x-zim"),
)
RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}


def media_type_of(head: bytes) -> str | None:
    """The media type the first bytes speak for; None where they say nothing."""
    for start, media_type in HEADS:
        if head.startswith(start):
            return media_type
    if b"%PDF-" in head[:1024]:
        return "application/pdf"
    if head[4:8] == b"ftyp":
        return "video/mp4"
    if head[:4] == b"RIFF":
        return RIFF.get(head[8:12])
    return "text/html" if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:20].lower().startswith(MARKUP) else None
