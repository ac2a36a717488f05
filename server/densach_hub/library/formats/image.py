"""Pictures browsers show. SVG is not among them: it can carry scripts."""

from PIL import Image

from densach_hub.library.formats.found import Found, Source, Unreadable
from densach_hub.library.formats.workshop import Workshop
from densach_hub.library.model import Kind

TYPES = {
    "JPEG": ("image/jpeg", (".jpg", ".jpeg")),
    "PNG": ("image/png", (".png",)),
    "GIF": ("image/gif", (".gif",)),
    "WEBP": ("image/webp", (".webp",)),
}
_HEADS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")


class Picture:
    def fits(self, source: Source) -> bool:
        return source.head.startswith(_HEADS) or (source.head[:4] == b"RIFF" and source.head[8:12] == b"WEBP")

    def read(self, source: Source, workshop: Workshop) -> Found:
        try:
            with Image.open(source.path, formats=tuple(TYPES)) as image:
                media_type, suffixes = TYPES[image.format or ""]
                if not workshop.cover_image(image):
                    raise Unreadable("library.picture-too-large", f"{image.width}×{image.height}")
        except Image.DecompressionBombError as error:
            raise Unreadable("library.picture-too-large", str(error)) from error
        except (OSError, ValueError, SyntaxError, KeyError) as error:
            truncated = "truncated" in str(error)
            raise Unreadable("library.truncated" if truncated else "library.damaged", str(error)) from error
        return Found(kind=Kind.IMAGE, media_type=media_type, suffixes=suffixes)
