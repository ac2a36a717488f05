"""Each extra brings all that its part imports: tried with everything else hidden, in a process of its own."""

import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import distribution, packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PARTS = {
    "agent": ("densach_agent.cli", "densach_agent.resident", "densach_agent.once", "densach_agent.enrol", "densach_agent.keys"),
    "hub": ("densach_hub.cli", "densach_hub.app"),
    "office": ("densach_office.cli", "densach_office.app"),
}
_HIDE = """
import importlib, sys
hidden = set({hidden!r})
class Seeing:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        return None if name.partition('.')[0] in hidden else self.finder.find_spec(name, path, target)
sys.meta_path[:] = [Seeing(finder) for finder in sys.meta_path if hasattr(finder, 'find_spec')]
import densach_cli.main
for name in {modules!r}:
    importlib.import_module(name)
"""


def brought_by(extra: str) -> set[str]:
    """Names of the distributions an extra installs, whatever they need included."""
    found: set[str] = set()
    waiting = [("densach", frozenset({extra}))]
    while waiting:
        name, extras = waiting.pop()
        for line in distribution(name).requires or []:
            need = Requirement(line)
            applies = need.marker is None or any(need.marker.evaluate({"extra": one}) for one in {"", *extras})
            key = canonicalize_name(need.name)
            if applies and key not in found:
                found.add(key)
                waiting.append((need.name, frozenset(need.extras)))
    return found


def modules_of(distributions: Iterable[str]) -> set[str]:
    wanted = set(distributions)
    return {module for module, owners in packages_distributions().items() if wanted & {canonicalize_name(o) for o in owners}}


@pytest.mark.parametrize("extra", PARTS)
def test_a_part_imports_only_what_its_extra_brings(extra: str) -> None:
    ours = {"densach_wire", "densach_agent", "densach_cli", "densach_core", "densach_hub", "densach_office", "densach_demo"}
    hidden = set(packages_distributions()) - modules_of(brought_by(extra)) - ours - {"_distutils_hack"}
    program = _HIDE.format(hidden=sorted(hidden), modules=PARTS[extra])
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr[-2000:]


def test_the_agent_stays_clear_of_the_large_ones() -> None:
    program = (
        "import sys, densach_agent.resident\n"
        "found = sorted({'aiohttp', 'pydantic', 'tinydb', 'cryptography', 'jinja2'} & set(sys.modules))\n"
        "sys.exit(f'imported: {found}' if found else 0)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
