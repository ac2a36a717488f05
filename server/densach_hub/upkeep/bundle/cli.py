"""`densach bundle …`: make, check and open the one file that provisions a hub and its lab without Internet."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from densach_core.clock import SystemClock, moment
from densach_hub.fleet.kit import MACHINES
from densach_hub.upkeep.bundle.model import PYTHONS, Manifest

SETS = ("hub", "agent", "lab", "studio", "office", "updates", "primary", "lower_secondary", "upper_secondary")
"""What a clone has lists of packages for, in the order a person asks for them."""
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
KEY = click.option("--key", help="The maker's fingerprint, as it was told you: only this one is good.", metavar="FINGERPRINT")
TRUSTED = click.option(
    "--trusted",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file with the fingerprints this machine trusts (default /etc/densach/bundle-keys; without root ~/.config/densach).",
    metavar="FILE",
)


class MakeOrCommand(click.Group):
    """`densach bundle FILE` makes one: a first word that is no command, or an option of making, stands for `make`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        helped = {"-h", "--help"} & set(args[:1])
        if args and args[0] not in self.commands and not helped:
            args = ["make", *args]
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Only `--help`: what `params` names is read by `make`."""
        return [option] if (option := self.get_help_option(ctx)) is not None else []

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return ["FILE [--add FOLDER]… [--sets NAMES] | verify FILE | open FILE DIR"]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        make.format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


@click.group(
    cls=MakeOrCommand,
    epilog="Example: densach bundle /media/usb/densach.bundle --add ~/windows",
)
def bundle() -> None:
    """One signed file that provisions hub, office and lab with no Internet: packages, wheels, plays, agent."""


@bundle.command("make", hidden=True, epilog="Example: densach bundle /media/usb/densach.bundle --add ~/windows")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--add",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    multiple=True,
    help="Take a folder along (Windows installers …); it lies in extra/ afterwards.",
    metavar="FOLDER",
)
@click.option("--sets", help=f"What for, with commas: {', '.join(SETS)} (default all).", metavar="NAME,…")
@click.option(
    "--suite", type=click.Choice(list(PYTHONS)), default="bookworm", show_default=True, help="For this Debian or Ubuntu."
)
@click.option("--machine", type=click.Choice(MACHINES), default="x86_64", show_default=True, help="For this processor.")
@click.option(
    "--sources",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="An apt .sources file to fetch from (default: this machine's entries of that suite).",
    metavar="FILE",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where what was fetched is kept (default ~/.cache/densach/bundle).",
    metavar="DIR",
)
@click.option(
    "--signing-key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The maker's key, made when it is missing (default ~/.config/densach/bundle-key).",
    metavar="FILE",
)
@JSON
def make(
    file: Path, add: tuple[Path, ...], sets: str | None, suite: str, machine: str, sources: Path | None, cache: Path | None,
    signing_key: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Make a bundle; what was fetched for the last one is not fetched again."""
    from densach_hub.upkeep.bundle.gathering import Wanted, clone_folder, gather, sets_there
    from densach_hub.upkeep.bundle.keys import maker_key, maker_key_file
    from densach_hub.upkeep.bundle.openpgp import RepositoryKey
    from densach_hub.upkeep.bundle.rules import fingerprint, human
    from densach_hub.upkeep.bundle.writing import write

    clone = clone_folder()
    chosen = tuple(filter(None, (name.strip() for name in sets.split(",")))) if sets is not None else tuple(sets_there(clone))
    kit = Path(os.environ.get("DENSACH_AGENT_KIT") or clone / ".cache/agent-kit")
    wanted = Wanted(
        clone=clone, cache=cache or _cache(), suite=suite, machine=machine, sets=chosen, add=add, sources=sources, kit=kit,
        made_at=SystemClock().now_ms(),
    )  # fmt: skip
    with _disk(file):
        key = maker_key(signing_key or maker_key_file())
        pieces = gather(wanted, RepositoryKey(key), _told)
        manifest = write(file, pieces, wanted, key, _told)
        size = file.stat().st_size
    shown = fingerprint(key.public_key().public_bytes_raw())
    said = f"{file}, {human(size)}: {_summary(manifest)}\n"
    said += f"Key {shown}: write it down, whoever opens the bundle is shown the same.\n"
    said += "On the bare machine, as root: tar xf FILE -C DIR, then sh DIR/setup.sh (README.txt in it)."
    _say(_facts(manifest, shown, file=str(file), bytes=size), said, as_json=as_json)


bundle.params += make.params


@bundle.command(
    "verify",
    short_help="Check one to its end.",
    epilog="Example: densach bundle verify /media/usb/densach.bundle --key '3F2A 91C0 …'",
)
@click.argument("file", type=click.Path(path_type=Path, exists=True), metavar="FILE")
@KEY
@TRUSTED
@click.option("--remember", is_flag=True, help="Trust its key from now on: the first one here, or the one that --key names.")
@JSON
def verify_command(file: Path, key: str | None, trusted: Path | None, remember: bool, as_json: bool) -> None:
    """Read a bundle (or a folder opened from one) to its end: signature, every file's digest, nothing besides."""
    from densach_hub.upkeep.bundle.keys import Trust, trusted_file
    from densach_hub.upkeep.bundle.reading import verify
    from densach_hub.upkeep.bundle.rules import fingerprint

    believed = Trust(trusted or trusted_file(), key)
    with _disk(file):
        checked = verify(file, believed, _told)
        if remember:
            believed.remember(checked.key)
    shown = fingerprint(checked.key)
    trust = "trusted here" if checked.known else "not seen here before: ask its maker whether this is theirs"
    said = f"{file} is whole: {_summary(checked.manifest)}\nKey {shown}, {trust}."
    _say(_facts(checked.manifest, shown, known=checked.known), said, as_json=as_json)


@bundle.command(
    "open",
    short_help="Check one and put its files into a folder.",
    epilog="Example: densach bundle open /media/usb/densach.bundle /srv/densach/bundle",
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@KEY
@TRUSTED
@click.option("--unattended", is_flag=True, help="Only a key that is trusted already, and only a newer bundle: for sticks.")
@JSON
def open_command(file: Path, folder: Path, key: str | None, trusted: Path | None, unattended: bool, as_json: bool) -> None:
    """Check a bundle and put its files into DIR, in place of those of an earlier one."""
    from densach_hub.upkeep.bundle.keys import Trust, trusted_file
    from densach_hub.upkeep.bundle.reading import open_into
    from densach_hub.upkeep.bundle.rules import fingerprint

    trust = Trust(trusted or trusted_file(), key, first=not unattended)
    with _disk(file):
        checked = open_into(file, folder, trust, _told, newer_only=unattended)
    shown = fingerprint(checked.key)
    said = f"{folder}: {_summary(checked.manifest)}\nKey {shown}"
    said += "." if checked.known else ": the first this machine has met. From now on only this one is good here."
    if checked.before > checked.manifest.made_at:
        said += f"\nIt is OLDER than what lay there before, which was made {_day(checked.before)}: is this the right stick?"
    _say(_facts(checked.manifest, shown, known=checked.known, folder=str(folder)), said, as_json=as_json)


@contextmanager
def _disk(file: Path) -> Iterator[None]:
    """A stick that fails, a folder of root's, a disk that is full: one line with what to do."""
    from densach_hub.upkeep.bundle import problems

    try:
        yield
    except OSError as error:
        if (told := problems.disk(error, str(file))) is None:
            raise
        raise told from error


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "densach" / "bundle"


def _told(what: str) -> None:
    click.echo(f"  {what}", err=True)


def _summary(manifest: Manifest) -> str:
    from densach_hub.upkeep.bundle.rules import human

    taken = [entry for entry in manifest.files if entry.path.startswith("extra/")]
    along = f" Taken along: {len(taken)} files, {human(sum(entry.size for entry in taken))}, in extra/." if taken else ""
    return (
        f"Đèn Sách {manifest.version} ({manifest.build}) for {manifest.suite} {manifest.architecture}, "
        f"made {_day(manifest.made_at)}, {len(manifest.files)} files, {human(manifest.size)}, "
        f"sets {', '.join(manifest.sets)}.{along}"
    )


def _day(at_ms: int) -> str:
    return moment(at_ms).strftime("%d/%m/%Y %H:%M")


def _facts(manifest: Manifest, shown: str, **more: object) -> dict[str, Any]:
    return {
        "version": manifest.version, "build": manifest.build, "suite": manifest.suite, "architecture": manifest.architecture,
        "python": manifest.python, "sets": list(manifest.sets), "made_at": manifest.made_at, "files": len(manifest.files),
        "content_bytes": manifest.size, "key": shown,
        "extra": [entry.path.removeprefix("extra/") for entry in manifest.files if entry.path.startswith("extra/")], **more,
    }  # fmt: skip


def _say(facts: dict[str, Any], said: str, *, as_json: bool) -> None:
    click.echo(msgspec.json.encode(facts).decode() if as_json else said)
