"""Our own CSS and JavaScript keep to what Chrome 109 and Firefox ESR 115 (the last for Windows 7) can read."""

import re
from pathlib import Path

import pytest

SERVER = Path(__file__).parent.parent.parent / "server"
OURS = [
    path
    for path in sorted(SERVER.rglob("static/**/*"))
    if path.suffix in {".css", ".js", ".mjs"} and not {"vendor", "vendor.new", "node_modules"} & set(path.parts)
]
TOO_NEW_CSS = {
    "nesting": r"(?m)^\s*&|\{[^{}@]*[;{]\s*&",
    ":has()": r":has\(",
    "color-mix": r"color-mix\(",
    "light-dark": r"light-dark\(",
    "relative colours": r"(?:rgb|hsl|oklch|oklab)a?\(\s*from\b",
    "oklch": r"\bokl(?:ch|ab)\(",
    "subgrid": r"\bsubgrid\b",
    "@scope": r"@scope\b",
    "@starting-style": r"@starting-style\b",
    "anchor": r"\banchor(?:-name)?\b\s*[:(]",
    "linear()": r"[^-]linear\(",
    "@property": r"@property\b",
    "popover": r":popover-open",
    "field-sizing": r"field-sizing",
}
TOO_NEW_JS = {
    "Object.groupBy": r"\b(?:Object|Map)\.groupBy\b",
    "Array.fromAsync": r"\bArray\.fromAsync\b",
    "Promise.withResolvers": r"\bPromise\.(?:withResolvers|try)\b",
    "copying array methods": r"\.(?:toSorted|toReversed|toSpliced)\(",
    "Set methods": r"\.(?:isSubsetOf|symmetricDifference|isDisjointFrom)\(",
    "URL.parse": r"\bURL\.(?:parse|canParse)\(",
    "iterator helpers": r"\bIterator\.from\b|\.(?:values|keys|entries)\(\)\.(?:map|filter|take|drop|toArray)\(",
    "regexp v flag": r"/[a-z]*v[a-z]*(?=[.,;)\s])(?<=/v)",
    "import attributes": r"\bwith\s*\{\s*type\s*:",
    "using": r"^\s*(?:await\s+)?using\s+\w+\s*=",
    "structured promises": r"\bAbortSignal\.any\b",
    "popover": r"\b(?:showPopover|togglePopover)\(",
    "view transitions": r"\bstartViewTransition\b",
    "sets by group": r"\.getOrInsert(?:Computed)?\(",
}


def without_comments(text: str) -> str:
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"(?m)(^|\s)//.*$", "", text)


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(SERVER)))
def test_nothing_too_new(path: Path) -> None:
    text = without_comments(path.read_text())
    rules = TOO_NEW_CSS if path.suffix == ".css" else TOO_NEW_JS
    assert [name for name, pattern in rules.items() if re.search(pattern, text, re.MULTILINE)] == []


def test_every_file_a_template_names_exists() -> None:
    """asset("room/file") with a literal name must be there, the vendored ones by the list of vendor.py."""
    named = re.compile(r"asset\(\s*['\"]([^'\"]+)['\"]\s*\)")
    folders = {folder.parent.name.removeprefix("densach_"): folder for folder in SERVER.rglob("static") if folder.is_dir()}
    missing = []
    for template in SERVER.rglob("templates/**/*.html"):
        for name in named.findall(template.read_text()):
            room, _, rest = name.partition("/")
            if room not in folders or not (folders[room] / rest).is_file():
                missing.append(f"{template.relative_to(SERVER)}: {name}")
    assert missing == []


def test_no_template_has_inline_script_style_or_handler() -> None:
    """The policy of every page forbids them; a browser would silently leave them out."""
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style\b|\sstyle=|\son(?:click|change|submit|load|input|key\w+)=", re.IGNORECASE)
    guilty = [str(t.relative_to(SERVER)) for t in SERVER.rglob("templates/**/*.html") if inline.search(t.read_text())]
    assert guilty == []
