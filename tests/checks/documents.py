"""Documents say what is there: README's commands are the program's, and links between files lead somewhere."""

import re
from collections.abc import Iterator

import click
import msgspec
from tests.checks.tree import ROOT, short, tracked

from densach_cli import main as cli
from densach_hub.settings import HubSettings

LAUNCHER = {"test", "check", "bench", "prepare"}
"""Commands of the launcher alone."""
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"`?(?:\./)?densach ((?:[a-z]+ ?)+)")
OPTION = re.compile(r"(--[a-z][a-z-]+)")


def faults() -> list[str]:
    return [*unknown_commands(), *unmentioned(), *dead_links(), *without_example(), *settings()]


def prose() -> Iterator[tuple[str, str]]:
    for path in tracked():
        if path.suffix == ".md":
            yield short(path), path.read_text("utf-8")


def command_of(words: list[str]) -> click.Command | None:
    """The command these words lead to; None when the first is none of ours."""
    context = click.Context(cli.densach)
    found: click.Command = cli.densach
    for word in words:
        if not isinstance(found, click.Group):
            break
        below = found.get_command(context, word)
        if below is None:
            return None if found is cli.densach else found
        found = below
    return found


def unknown_commands() -> list[str]:
    """Code in documents that starts with `densach` must be a command, and its options must exist."""
    found = []
    for name, text in prose():
        for code in re.findall(r"`((?:\./)?densach [^`]+)`|^ {4}((?:sudo )?(?:\./)?densach .+)$", text, re.MULTILINE):
            line = (code[0] or code[1]).partition("#")[0]
            words = line.removeprefix("sudo ").split()[1:]
            if not words or words[0] in LAUNCHER or not words[0].isalpha():
                continue
            command = command_of([word for word in words if word.isalpha() and word.islower()])
            if command is None:
                found.append(f"{name}: there is no command `densach {words[0]}`")
                continue
            known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
            found += [
                f"{name}: `{line.strip()}`: no option {option}"
                for option in OPTION.findall(line)
                if option not in known | {"--help", "--version"}
            ]
    return found


def unmentioned() -> list[str]:
    """Every command stands in README.md and in README.vi.md."""
    found = []
    for name in ("README.md", "README.vi.md"):
        text = (ROOT / name).read_text("utf-8") if (ROOT / name).exists() else ""
        names = [*cli.densach.list_commands(click.Context(cli.densach)), *sorted(LAUNCHER)]
        found += [f"{name}: says nothing of `densach {command}`" for command in names if f"densach {command}" not in text]
    return found


def dead_links() -> list[str]:
    found = []
    for name, text in prose():
        folder = (ROOT / name).parent
        found += [
            f"{name}: the link to {target} leads nowhere"
            for target in LINK.findall(text)
            if "://" not in target and not target.startswith("mailto:") and not (folder / target).exists()
        ]
    return found


def without_example() -> list[str]:
    """Every command's help ends with an example."""
    found = []
    context = click.Context(cli.densach)

    def look(command: click.Command, path: str) -> None:
        text = " ".join(part for part in (command.help, command.epilog) if part)
        if not isinstance(command, click.Group) and "Example" not in text:
            found.append(f"`densach {path} --help` shows no example")
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                if (below := command.get_command(context, name)) is not None:
                    look(below, f"{path} {name}".strip())

    look(cli.densach, "")
    return found


def settings() -> list[str]:
    """README's table has every key of a hub's settings, and no other."""
    told = set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE))
    there = {
        f"{table.name}.{key.name}" for table in msgspec.structs.fields(HubSettings) for key in msgspec.structs.fields(table.type)
    }
    return [
        *(f"README.md: the settings table lacks `{key}`" for key in sorted(there - told)),
        *(f"README.md: there is no setting `{key}`" for key in sorted(told - there)),
    ]
