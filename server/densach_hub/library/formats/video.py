"""Films in MP4 and WebM: what browsers play. The poster comes from the file, else from ffmpeg where the machine has it."""

import shutil
import subprocess

from densach_hub.library.formats.found import Found, Source, Unreadable
from densach_hub.library.formats.matroska import is_matroska, read_recording
from densach_hub.library.formats.mp4 import is_mp4, read_movie
from densach_hub.library.formats.subtitles import LANGUAGES, Cue, keep, plain, put_text
from densach_hub.library.formats.workshop import Workshop
from densach_hub.library.model import Creator, Heading, Kind

POSTER_SECONDS = 30
MOST_CHAPTERS = 500
NOT_EVERYWHERE = {"hvc1", "hev1", "V_MPEGH/ISO/HEVC", "mp4v", "V_MPEG4/ISO/ASP", "ac-3", "A_AC3"}


class Mp4:
    def fits(self, source: Source) -> bool:
        return is_mp4(source.head)

    def read(self, source: Source, workshop: Workshop) -> Found:
        with source.path.open("rb") as file:
            movie = read_movie(file, source.size)
        if not movie.whole:
            raise Unreadable("library.truncated", "media shorter than announced")
        if not movie.video and not movie.audio:
            raise Unreadable("library.damaged", "neither picture nor sound")
        if movie.cover is None or not workshop.cover(movie.cover):
            poster(source, workshop, "mp4", movie.duration_ms)
        for track in movie.texts:
            cues = [Cue(start, end, plain(words)) for start, end, words in track.samples]
            keep(workshop, cues, LANGUAGES.get(track.language or "", track.language))
            put_text(workshop, cues)
        artist = movie.tags.get("\xa9ART")
        return Found(
            kind=Kind.VIDEO if movie.video else Kind.AUDIO,
            media_type="video/mp4" if movie.video else "audio/mp4",
            suffixes=(".mp4", ".m4v", ".m4a", ".m4b", ".mov"),
            title=movie.tags.get("\xa9nam") or None,
            creators=(Creator(artist),) if artist else (),
            published=(movie.tags.get("\xa9day") or "")[:10] or None,
            description=movie.tags.get("desc") or movie.tags.get("\xa9cmt") or None,
            duration_ms=movie.duration_ms,
            headings=tuple(Heading(title[:200] or "…", start // 1000) for start, title in movie.chapters[:MOST_CHAPTERS]),
            remark=_remark(movie.codecs),
        )


class Webm:
    def fits(self, source: Source) -> bool:
        return is_matroska(source.head)

    def read(self, source: Source, workshop: Workshop) -> Found:
        recording = read_recording(source.path, source.size)
        if not recording.whole:
            raise Unreadable("library.truncated", "media shorter than announced")
        if not recording.video and not recording.audio:
            raise Unreadable("library.damaged", "neither picture nor sound")
        if recording.video:
            poster(source, workshop, "matroska", recording.duration_ms)
        web = recording.doc_type == "webm"
        return Found(
            kind=Kind.VIDEO if recording.video else Kind.AUDIO,
            media_type=f"{'video' if recording.video else 'audio'}/{'webm' if web else 'x-matroska'}",
            suffixes=(".webm", ".weba", ".mkv", ".mka"),
            title=recording.title,
            duration_ms=recording.duration_ms,
            remark=_remark(recording.codecs) or (None if web else "library.not-every-browser"),
        )


def poster(source: Source, workshop: Workshop, container: str, duration_ms: int | None) -> None:
    """A frame from a tenth into the film; nothing where there is no ffmpeg or it finds none."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        return
    target = workshop.folder / "poster.png"
    command = [ffmpeg, "-nostdin", "-v", "error", "-threads", "1", "-protocol_whitelist", "file", "-f", container]
    command += ["-ss", f"{(duration_ms or 0) / 10_000:.2f}", "-i", f"file:{source.path.absolute()}", "-an", "-frames:v", "1"]
    command += ["-threads", "1", "-vf", "scale=400:-2", "-y", str(target)]
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=POSTER_SECONDS, check=False)
        if target.is_file():
            workshop.cover(target.read_bytes())
    except (OSError, subprocess.SubprocessError):
        return
    finally:
        target.unlink(missing_ok=True)


def _remark(codecs: tuple[str, ...]) -> str | None:
    return "library.not-every-browser" if NOT_EVERYWHERE.intersection(codecs) else None
