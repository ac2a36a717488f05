"""Log-in names and stand-in codes. Pure but for the random source passed in."""

from collections.abc import Callable, Sequence

from densach_core.folding import fold

DIGITS = "23456789"


def teacher_login(name: str, taken: Callable[[str], bool]) -> str:
    """Given name and family name as people write addresses: "Nguyễn Thị Lan" → `lan.nguyen`, the next one `lan.nguyen2`."""
    words = ["".join(ch for ch in word if ch.isascii() and ch.isalnum()) for word in fold(name).split()]
    words = [word for word in words if word] or ["gv"]
    base = words[-1] if len(words) == 1 else f"{words[-1]}.{words[0]}"
    base = base[:40] if len(base) > 1 else f"{base}.gv"
    return free(base, taken)


def shown_to_strangers(names: Sequence[str]) -> list[str]:
    """How the log-in page calls the pupils of a class: given name and the family name's first letter ("Đỗ Thị Ánh Tuyết" →
    "Tuyết Đ."), with the words between where two would be called alike ("Thị Ánh Tuyết Đ.")."""
    words = [name.split() for name in names]
    short = [f"{w[-1]} {w[0][0]}." if len(w) > 1 else " ".join(w) for w in words]
    alike = [fold(name) for name in short]
    return [
        f"{' '.join(w[1:])} {w[0][0]}." if len(w) > 2 and alike.count(fold(name)) > 1 else name
        for w, name in zip(words, short, strict=True)
    ]


def free(base: str, taken: Callable[[str], bool]) -> str:
    """`base`, or with the first number that nobody has."""
    if not taken(base):
        return base
    n = 2
    while taken(f"{base}{n}"):
        n += 1
    return f"{base}{n}"


def temporary_code(below: Callable[[int], int], taken: Callable[[str], bool]) -> str:
    """Stands in until the sector gives a pupil code: `TAM-` and six clear digits."""
    while True:
        code = "TAM-" + "".join(DIGITS[below(len(DIGITS))] for _ in range(6))
        if not taken(code):
            return code
