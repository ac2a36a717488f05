"""`densach library`: files and records in and out, the index anew."""

import asyncio
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from densach_core.errors import Problem
from densach_core.place import kept_clock, running
from densach_hub.cli_options import DATA, JSON, tell

if TYPE_CHECKING:
    from densach_hub.opening import Rooms


@click.group(epilog="Example: densach library add ~/books --data DIR")
def library() -> None:
    """The e-library's files and index."""


@library.command("add", epilog="Example: densach library add toan-6.epub phim/ --data DIR")
@DATA
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True), metavar="PATH…")
@JSON
def library_add(data: Path, paths: tuple[Path, ...], as_json: bool) -> None:
    """Add files (or whole folders): EPUB, PDF, video, audio, images, simulations. What is already there is not added twice.

    Waits until each file was read (by the running hub, where one runs); exits 1 when one is broken or not what its name says.
    """
    from densach_core.web.site import languages
    from densach_hub.library.model import State
    from densach_hub.library.reasons import broken, misnamed
    from densach_hub.opening import open_rooms
    from densach_hub.web_rooms import every_room

    say = languages(every_room()).say

    files = [file for path in paths for file in (sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path])]

    async def settled(rooms: "Rooms", one: dict[str, Any]) -> None:
        while (item := await rooms.library.item(one["item"], hidden=True)).state is State.WAITING:
            if running(data) is None:
                one["waiting"] = True
                return
            await asyncio.sleep(0.5)
        if item.state is State.BROKEN:
            one["code"] = item.problem or "library.reader-failed"
            why = " ".join(say(text, "vi") for text in broken(item))
            click.echo(f"✗ {Path(one['file']).name}: {why} ({one['code']})", err=True)
        elif (odd := misnamed(item)) is not None:
            one["code"] = "library.misnamed"
            click.echo(f"! {Path(one['file']).name}: {say(odd, 'vi')} ({one['code']})", err=True)
        elif not as_json:
            click.echo(f"{'=' if one['already'] else '+'} {Path(one['file']).name}")

    async def work() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        async with open_rooms(data, kept_clock(data)) as rooms:
            for file in files:
                try:
                    added = await rooms.library.add_file(file, by="command", folder=file.parent.name)
                except Problem as problem:
                    found.append({"file": str(file), "code": problem.code})
                    click.echo(f"✗ {file}: {problem}", err=True)
                else:
                    found.append({"file": str(file), "item": added.item, "already": added.already})
            if running(data) is None:
                async with rooms.library.cataloguer.extractor:
                    await rooms.library.cataloguer.read_waiting()
            else:
                click.echo("The hub reads them …", err=True)
            for one in found:
                if "item" in one:
                    await settled(rooms, one)
        return found

    done = asyncio.run(work())
    failed = sum("code" in one for one in done)
    waiting = sum("waiting" in one for one in done)
    said = f"{len(files) - failed - waiting} of {len(files)} files are in the library as they should be."
    if waiting:
        said += f" {waiting} wait to be read: start the hub."
    tell({"files": done}, said, as_json=as_json)
    if failed:
        raise SystemExit(1)


@library.command("import", epilog="Example: densach library import danh-muc.xlsx --dry-run --data DIR")
@DATA
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option("--records-only", is_flag=True, help="Of another catalogue: leave its files where they are.")
@click.option("--user", help="Of another catalogue: the name to log in with; the password is asked for (or read from stdin).")
@JSON
def library_import(data: Path, file: str, dry_run: bool, yes: bool, records_only: bool, user: str | None, as_json: bool) -> None:
    """Import records: MARC 21, MARCXML, CSV, XLSX, a Calibre folder, or the address of another catalogue (OPDS, with its files).

    Shows what will change, then asks; can be undone.

    With --json nothing is asked: it is only imported together with --yes.
    """
    from densach_core.web.site import languages
    from densach_hub.library.batches import Action, Batch, Stage
    from densach_hub.library.import_words import why
    from densach_hub.opening import open_rooms
    from densach_hub.web_rooms import every_room

    if "://" not in file and not Path(file).exists():
        raise click.BadParameter(f"{file} does not exist.", param_hint="FILE")
    login = None
    if user is not None:
        login = (user, click.prompt("Password", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n"))
    say = languages(every_room()).say

    def told(batch: Batch) -> None:
        if not as_json and sys.stderr.isatty():
            click.echo(f"\r{batch.stage.value} {batch.done}{f'/{batch.total}' if batch.total else ''}    ", nl=False, err=True)

    async def work() -> bool:
        async with open_rooms(data, kept_clock(data)) as rooms:
            imports = rooms.library.imports
            if "://" in file:
                begun = await imports.visit(file, by="command", files=not records_only, here=True, login=login)
            else:
                begun = await imports.begin(Path(file), Path(file).name, by="command")
            batch = await imports.settled(begun.id, told=told)
            odd = await imports.remarks(batch.id, limit=1_000)
            if not as_json:
                for action in Action:
                    click.echo(f"{batch.counts.get(action, 0):7} {action.value}")
                for row in odd:
                    click.echo(f"  {row.line}: {say(why(row.code), 'vi')} ({row.code}) {row.detail}", err=True)
            changes = batch.counts.get(Action.NEW, 0) + batch.counts.get(Action.CHANGED, 0)
            go = batch.stage is Stage.PREVIEW and changes > 0 and not dry_run and (yes or not as_json)
            if go and not yes:
                go = click.confirm("Import this?")
            if go:
                await imports.apply(batch.id)
                batch = await imports.settled(batch.id, told=told)
                if running(data) is None:
                    async with rooms.library.cataloguer.extractor:
                        await rooms.library.cataloguer.read_waiting()
            else:
                await imports.drop(batch.id)
            problems = [{"line": row.line, "code": row.code, "detail": row.detail} for row in odd]
            failed = f"{say(why(batch.code), 'vi')} ({batch.code})" if batch.code else ""
            tell(
                {"import": batch.id, "imported": go, "failed": batch.code, "problems": problems, **batch.counts},
                failed or (f"Imported. To take it back: /desk/imports/{batch.id}" if go else "Nothing was changed."),
                as_json=as_json,
            )
            return batch.stage is not Stage.FAILED

    if not asyncio.run(work()):
        raise SystemExit(1)


@library.command("export", epilog="Example: densach library export danh-muc.xlsx --data DIR")
@DATA
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format", "format_name", type=click.Choice(["marc", "marcxml", "csv", "xlsx", "calibre"]), help="Default: by the ending."
)  # fmt: skip
@click.option("--subject", help="Only this subject (its code, as toan).")
@click.option("--grade", type=click.IntRange(1, 12), help="Only this grade.")
@JSON
def library_export(
    data: Path, file: Path, format_name: str | None, subject: str | None, grade: int | None, as_json: bool
) -> None:
    """Write the catalogue into a file: .mrc (MARC 21), .xml (MARCXML), .csv or .xlsx."""
    from densach_core.web.site import languages
    from densach_hub.library.exporting import Wanted
    from densach_hub.opening import open_rooms
    from densach_hub.web_rooms import every_room

    endings = {".mrc": "marc", ".xml": "marcxml", ".csv": "csv", ".xlsx": "xlsx", ".zip": "calibre"}
    chosen = format_name or endings.get(file.suffix.lower())
    if chosen is None:
        raise click.BadParameter("name it .mrc, .xml, .csv or .xlsx, or give --format", param_hint="FILE")
    say = languages(every_room()).say

    async def work() -> None:
        async with open_rooms(data, kept_clock(data)) as rooms:
            made = await rooms.library.export(chosen, Wanted(subject=subject, grade=grade), lambda text: say(text, "vi"))
            shutil.move(made, file)

    asyncio.run(work())
    tell({"file": str(file), "format": chosen}, f"Written: {file}", as_json=as_json)


@library.command("reindex", epilog="Example: densach library reindex --data DIR")
@DATA
@JSON
def library_reindex(data: Path, as_json: bool) -> None:
    """Make the search index anew; searching goes on meanwhile."""
    from densach_hub.opening import open_rooms

    async def work() -> int:
        async with open_rooms(data, kept_clock(data)) as rooms, rooms.library.cataloguer.extractor:
            return await rooms.library.cataloguer.rebuild()

    asyncio.run(work())
    tell({"index": "made anew"}, "The index is made anew.", as_json=as_json)
