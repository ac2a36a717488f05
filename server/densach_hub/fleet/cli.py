"""`densach package …`: the agent as files for lab machines that no hub's `/join` line reaches, or for an image."""

from pathlib import Path

import click

from densach_hub.fleet.kit import MACHINES


@click.command(epilog="Examples: densach package deb ./usb-stick, densach package run ./usb-stick --machine x86_64")
@click.argument("kind", type=click.Choice(["deb", "run"]))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--machine", "machines", type=click.Choice(MACHINES), multiple=True, help="Only for this processor (default all).")
@click.option(
    "--kit",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="DENSACH_AGENT_KIT",
    help="Where the wheels lie; what is missing is fetched into it (default FOLDER/kit).",
)
def package(kind: str, folder: Path, machines: tuple[str, ...], kit: Path | None) -> None:
    """Write the agent for Linux as a Debian package or as one self-unpacking file. Both install without a network."""
    from densach_hub.fleet.deb import deb, file_name
    from densach_hub.fleet.kit import Kit, KitProblem, fill
    from densach_hub.fleet.payload import tree, version_of, wheels
    from densach_hub.fleet.run_file import file_name as run_name
    from densach_hub.fleet.run_file import run_file

    machines = machines or MACHINES
    packed = Path(__file__).parents[3] / ".cache/agent-kit"  # what the launcher made in a clone
    kit = kit or (packed if packed.is_dir() else folder / "kit")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        try:
            found = wheels(Kit(kit), machines)
        except KitProblem:
            click.echo("Fetching wheels …", err=True)
            fill(kit, machines=machines)
            found = wheels(Kit(kit), machines)
    except KitProblem as problem:
        raise click.ClickException(str(problem)) from None
    if kind == "run":
        name, body = run_name(machines), run_file(found)
    else:
        version = version_of(found)
        name, body = file_name(version, machines), deb(tree(found, machines), version, machines)
    fresh = folder / f".{name}.new"
    fresh.write_bytes(body)
    fresh.chmod(0o755 if kind == "run" else 0o644)
    fresh.replace(folder / name)
    click.echo(str(folder / name))
