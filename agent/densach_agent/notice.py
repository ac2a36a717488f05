"""`python -m densach_agent.notice message TEXT` / `identify SECONDS`: a word on every terminal, blinking keyboard lamps."""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

_LAMPS = "*::scrolllock"


def show(text: str) -> None:
    """On terminals by `wall`; on desktops where a notifier of the session listens on it."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(["wall", "-n"], input=text.encode(), timeout=10, check=False)


def blink(seconds: int) -> None:
    lamps = list(Path("/sys/class/leds").glob(_LAMPS + "/brightness"))
    until = time.monotonic() + min(max(seconds, 1), 60)
    lit = True
    while time.monotonic() < until:
        for lamp in lamps:
            with contextlib.suppress(OSError):
                lamp.write_text("1" if lit else "0")
        with contextlib.suppress(OSError):
            Path("/dev/console").write_text("\a")
        lit = not lit
        time.sleep(0.5)


if __name__ == "__main__":
    if sys.argv[1] == "identify":
        blink(int(sys.argv[2]) if sys.argv[2].isdecimal() else 10)
    else:
        show(sys.argv[2])
