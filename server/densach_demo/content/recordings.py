"""A sound and a short film, computed here; compressed with ffmpeg where there is one."""

import array
import io
import math
import shutil
import subprocess
import wave
from pathlib import Path

from PIL import Image, ImageDraw

from densach_demo.content.cover import INK, LAMP, PAPER
from densach_demo.content.lettering import Lettering

SOUND_TITLE = "Bài nghe: âm giai Đô trưởng"
FILM_TITLE = "Phim ngắn: con lắc và chiếc đồng hồ"
_RATE = 22_050
_SCALE = (0, 2, 4, 5, 7, 9, 11, 12, 11, 9, 7, 5, 4, 2, 0)
"""Half tones above c′, up and down again."""
_FILM = (640, 360)
_FRAMES_A_SECOND = 24
_SECONDS = 20


def write_sound(folder: Path) -> Path:
    """An .mp3 with title, or a .wav where there is no ffmpeg."""
    notes = array.array("h")
    for step in _SCALE:
        notes.extend(_note(261.63 * 2 ** (step / 12), 0.6))
    plain = io.BytesIO()
    with wave.open(plain, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(notes.tobytes())
    packed = folder / "am-giai-do-truong.mp3"
    tags = ["-metadata", f"title={SOUND_TITLE}", "-metadata", "artist=Đèn Sách", "-metadata", "language=vie"]
    if _ffmpeg(["-i", "pipe:0", "-b:a", "64k", *tags, str(packed)], plain.getvalue()):
        return packed
    bare = packed.with_suffix(".wav")
    bare.write_bytes(plain.getvalue())
    return bare


def _note(hertz: float, seconds: float) -> "array.array[int]":
    """A plucked string: a few overtones that fade, the higher the faster."""
    count = int(_RATE * seconds)
    return array.array(
        "h",
        (
            int(
                9_000
                * min(1.0, n / 200)
                * sum(math.sin(2 * math.pi * hertz * k * n / _RATE) / k * math.exp(-3.0 * k * n / _RATE) for k in (1, 2, 3))
            )
            for n in range(count)
        ),
    )


def write_film(folder: Path) -> Path | None:
    """An .mp4 of 20 s that can be wound (index in front, a key frame each second); None where there is no ffmpeg."""
    path = folder / "con-lac-va-dong-ho.mp4"
    caption = Lettering(22)
    frames = b"".join(_frame(number, caption).tobytes() for number in range(_FRAMES_A_SECOND * _SECONDS))
    size = f"{_FILM[0]}x{_FILM[1]}"
    source = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", size, "-r", str(_FRAMES_A_SECOND), "-i", "pipe:0"]
    how = [
        "-c:v",
        "libx264",
        "-profile:v",
        "baseline",
        "-pix_fmt",
        "yuv420p",
        "-g",
        str(_FRAMES_A_SECOND),
        "-movflags",
        "+faststart",
    ]
    tags = ["-metadata", f"title={FILM_TITLE}", "-metadata", "artist=Đèn Sách"]
    return path if _ffmpeg([*source, *how, *tags, str(path)], frames) else None


def _frame(number: int, caption: Lettering) -> Image.Image:
    second = number / _FRAMES_A_SECOND
    image = Image.new("L", _FILM, PAPER)
    draw = ImageDraw.Draw(image)
    angle = 0.5 * math.cos(2 * math.pi * second / 2.007)  # a pendulum of one metre
    x, y = 200 + 240 * math.sin(angle), 30 + 240 * math.cos(angle)
    draw.line((100, 30, 300, 30), fill=INK, width=6)
    draw.line((200, 30, x, y), fill=INK, width=3)
    draw.ellipse((x - 20, y - 20, x + 20, y + 20), fill=LAMP, outline=INK, width=3)
    draw.ellipse((400, 70, 580, 250), outline=INK, width=4)
    hand = 2 * math.pi * second / 60
    draw.line((490, 160, 490 + 75 * math.sin(hand), 160 - 75 * math.cos(hand)), fill=INK, width=4)
    caption.draw(draw, (60, 330), f"Con lắc dài một mét: {int(second / 2.007)} chu kì trong {int(second)} giây", INK)
    return image


def _ffmpeg(words: list[str], given: bytes) -> bool:
    program = shutil.which("ffmpeg")
    if program is None:
        return False
    command = [program, "-loglevel", "error", "-y", *words]
    return subprocess.run(command, input=given, capture_output=True, check=False).returncode == 0
