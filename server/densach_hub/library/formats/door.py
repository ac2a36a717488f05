"""The door for kinds of files: one file, one line here, one recorded case in tests/hub/library/formats."""

from densach_hub.library.formats.audio import Flac, Mp3, Ogg, Wave
from densach_hub.library.formats.comic import Comic, RarArchive
from densach_hub.library.formats.document import LooseDocument, PackedDocument
from densach_hub.library.formats.epub import Epub
from densach_hub.library.formats.image import Picture
from densach_hub.library.formats.link import Link
from densach_hub.library.formats.pdf import Pdf
from densach_hub.library.formats.recordings import Recordings
from densach_hub.library.formats.scorm import Scorm
from densach_hub.library.formats.simulation import Simulation
from densach_hub.library.formats.subtitles import Subtitles
from densach_hub.library.formats.video import Mp4, Webm
from densach_hub.library.formats.workshop import Format
from densach_hub.library.formats.zim import Zim

FORMATS: tuple[Format, ...] = (
    Pdf(),
    Epub(),
    Zim(),
    Mp4(),
    Webm(),
    Mp3(),
    Ogg(),
    Wave(),
    Flac(),
    Picture(),
    PackedDocument(),
    Scorm(),
    Comic(),
    Recordings(),
    Simulation(),
    RarArchive(),
    Link(),
    Subtitles(),
    LooseDocument(),
)
"""Asked in this order; the first that fits reads the file."""
