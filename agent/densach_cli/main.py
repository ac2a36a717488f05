"""The `densach` command: brings the commands of whatever parts are installed, and imports none before it is called.

A part that is not installed is not listed. Exit codes: 0 done, 1 a failure in one line, 2 a wrong call.
"""

import errno
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

COMMANDS: dict[str, str] = {
    "demo": "densach_demo.cli:demo",
    "agent": "densach_agent.cli:command",
    "hub": "densach_hub.cli:hub",
    "package": "densach_hub.fleet.cli:package",
    "bundle": "densach_hub.upkeep.bundle.cli:bundle",
    "inventory": "densach_hub.cli_provision:inventory",
    "provision": "densach_hub.cli_provision:provision",
    "office": "densach_office.cli:command",
    "library": "densach_hub.cli_library:library",
    "roster": "densach_hub.cli:roster",
    "user": "densach_hub.cli:user",
    "token": "densach_hub.cli:token",
    "backup": "densach_hub.cli:backup",
    "restore": "densach_hub.cli:restore",
    "doctor": "densach_hub.cli:doctor",
}
"""Command → where it lives. The order is that of `--help`."""

NEEDS: dict[str, tuple[str, ...]] = {
    "densach_agent": ("paho", "psutil"),
    "densach_hub": ("aiohttp", "paho", "tinydb"),
    "densach_office": ("aiohttp", "jinja2"),
    "densach_demo": ("aiohttp", "paho", "psutil"),
}
"""Part → what its extra brings: all code is in every installation, what it runs on is not."""


def is_installed(module: str) -> bool:
    names = (module, *NEEDS.get(module.partition(".")[0], ()))
    try:
        return all(importlib.util.find_spec(name) is not None for name in names)
    except ModuleNotFoundError:
        return False


class Parts(click.Group):
    """Looks commands up in the table above; a command's module is imported when it is called or helped."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return [name for name, where in COMMANDS.items() if is_installed(where.partition(":")[0])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        where = COMMANDS.get(cmd_name)
        module, _, name = (where or "").partition(":")
        if where is None or importlib.util.find_spec(module) is None:
            return None
        if not is_installed(module):
            extra = module.partition(".")[0].removeprefix("densach_")
            raise click.ClickException(f"The part for “{cmd_name}” is not installed: pip install 'densach[{extra}]'.")
        found = getattr(importlib.import_module(module), name, None)
        return found if isinstance(found, click.Command) else None


@click.command(
    cls=Parts,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: densach demo",
)
@click.version_option(package_name="densach", prog_name="densach", message="%(prog)s %(version)s")
def densach() -> None:
    """Đèn Sách: a school's computer rooms, studio and e-library, measured and served by one box.

    In a clone `./densach` also knows: test (every test), check (style, types, translations), bench (measures speed).
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script. Never returns."""
    try:
        outcome = densach.main(args=arguments, prog_name="densach", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except click.ClickException as problem:
        problem.show()
        sys.exit(problem.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of a pipe (`| head`) has gone; say nothing, also not at interpreter exit.
        sys.stderr.close()
        sys.exit(1)
    except Exception as problem:
        line = one_line(problem)
        if line is None:
            raise
        click.echo(line, err=True)
        sys.exit(1)
    sys.exit(outcome if isinstance(outcome, int) else 0)


def one_line(problem: Exception) -> str | None:
    """A domain error as a sentence with its code; None for what is a fault of ours and deserves its traceback."""
    errors = sys.modules.get("densach_core.errors")  # not imported from here: the agent runs without the server's code
    if errors is None:
        return None
    while isinstance(problem, ExceptionGroup) and len(problem.exceptions) == 1:
        problem = problem.exceptions[0]
    found: Any = problem
    if not isinstance(problem, errors.Problem):
        if not any(map(_no_room, _behind(problem))):
            return None
        found = errors.no_room()
    i18n = importlib.import_module("densach_core.i18n")
    spoken_here = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    locale = "vi" if spoken_here.startswith("vi") else "en"
    catalogues = []
    if locale == "vi":
        server = Path(str(errors.__file__)).parent.parent
        catalogues = [path for part in server.glob("densach_*") for path in part.rglob("vi.po")]
    languages = i18n.Languages(catalogues)
    sentences = [languages.say(text, locale) for text in (found.what, found.do) if text is not None]
    return f"{' '.join(sentences)} ({found.code})"


def _behind(problem: BaseException) -> Iterator[BaseException]:
    """The error, those it came from, and those of a group."""
    seen: set[int] = set()
    waiting = [problem]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
        waiting += [other for other in (one.__cause__, one.__context__) if other is not None]


def _no_room(problem: BaseException) -> bool:
    """Whether a full disk is behind this: the system's word for it, SQLite's, or a copied folder's list of sentences."""
    if isinstance(problem, OSError):
        return problem.errno in {errno.ENOSPC, errno.EDQUOT} or f"[Errno {errno.ENOSPC}]" in str(problem)
    # SQLite says "disk I/O error" when the file beside the database, shared between processes, cannot grow.
    return getattr(problem, "sqlite_errorname", "") in {"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_WRITE"}
