"""What the book reader takes from others and Chrome 109 or Firefox ESR 115 lack must be in our polyfills."""

import re
from pathlib import Path

import pytest

import densach_core
from densach_hub import library

VENDOR = Path(str(densach_core.__file__)).parent / "static" / "vendor" / "foliate-js"
STATIC = Path(str(library.__file__)).parent / "static"
USED = ("epub.js", "epubcfi.js", "fixed-layout.js", "overlayer.js", "paginator.js", "progress.js", "text-walker.js", "view.js")
TOO_NEW = {
    "Object.groupBy": r"\bObject\.groupBy\(",
    "Map.groupBy": r"\bMap\.groupBy\(",
    "Array.fromAsync": r"\bArray\.fromAsync\(",
    "Promise.withResolvers": r"\bPromise\.withResolvers\(",
    "Promise.try": r"\bPromise\.try\(",
    "array copies": r"\.(?:toSorted|toReversed|toSpliced)\(",
    "set methods": r"\.(?:union|intersection|difference|isSubsetOf|isSupersetOf)\(",
    "URL.parse": r"\bURL\.(?:parse|canParse)\(",
    "iterator helpers": r"\.(?:values|keys|entries)\(\)\.(?:map|filter|take|drop|some|every|find|toArray)\(",
    "regexp v flag": r"/v[gimsuy]*[.,;)]",
    "AbortSignal.any": r"\bAbortSignal\.any\(",
}


def newer_in(text: str) -> set[str]:
    bare = re.sub(r"(?m)^\s*//.*$", "", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
    return {name for name, pattern in TOO_NEW.items() if re.search(pattern, bare)}


@pytest.mark.parametrize("name", USED)
def test_the_reader_needs_nothing_we_do_not_bring(name: str) -> None:
    path = VENDOR / name
    if not path.is_file():
        pytest.skip("the browser files are not here (python server/assets/vendor.py)")
    polyfills = (STATIC / "polyfills.js").read_text()
    brought = {f"{owner}.{what}" for owner, what in re.findall(r'define\((\w+), "(\w+)"', polyfills)}
    assert newer_in(path.read_text()) <= brought


def test_bare_imports_are_gone() -> None:
    for name in USED:
        path = VENDOR / name
        if path.is_file():
            assert re.findall(r"""(?m)^import [^'"]*['"](?![./])""", path.read_text()) == [], name


def test_polyfills_come_first() -> None:
    for name in ("read-epub.js", "read-pdf.js"):
        imports = re.findall(r"(?m)^import .*$", (STATIC / name).read_text())
        assert "./polyfills.js" in imports[0], name
