"""`densach hub setup`: the first day of a hub nobody sits at."""

import asyncio
from pathlib import Path

import click
import msgspec

from densach_core.place import kept_clock, occupied, running

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


@click.command("setup", epilog="Example: densach hub setup --answers answers.toml --data /var/lib/densach")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="The hub's data folder.", metavar="DIR"
)
@click.option(
    "--answers",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="What set-up asks for, as TOML.",
    metavar="FILE",
)
@JSON
def set_up_command(data: Path, answers: Path, as_json: bool) -> None:
    """Set a new hub up from a file, without its page; a hub that is set up stays as it is.

    The file has the tables [school] (name, code, levels), [administrator] (login, password_file) and [[rooms]] (name, seats).
    """
    from densach_core import logs
    from densach_hub.opening import Rooms, open_rooms
    from densach_hub.setup.answers import read_answers, set_up
    from densach_hub.setup.service import Setup

    given = read_answers(answers)
    logs.configure(level="warning")

    def setup_of(rooms: Rooms) -> Setup:
        return Setup(people=rooms.people, accounts=rooms.accounts, audit=rooms.audit, rooms=rooms.fleet.rooms,
                     documents=rooms.documents, clock=rooms.clock, data=data)  # fmt: skip

    async def work() -> tuple[bool, list[dict[str, str]]]:
        async with open_rooms(data, kept_clock(data)) as rooms:
            setup = setup_of(rooms)
            needed = await setup.is_needed()
            made = await set_up(setup, rooms.people, given) if needed else await setup.rooms()
            return needed, [{"id": room.id, "name": room.name} for room in made]

    if running(data) is None:
        with occupied(data):
            changed, found = asyncio.run(work())
    else:
        changed, found = asyncio.run(work())
    listed = "".join(f"\n  {room['id']}  {room['name']}" for room in found)
    said = "The hub is set up." if changed else "The hub was set up before; nothing was changed."
    facts = {"changed": changed, "rooms": found}
    click.echo(msgspec.json.encode(facts).decode() if as_json else said + listed)
