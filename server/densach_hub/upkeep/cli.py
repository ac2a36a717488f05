"""`densach hub try-backup`: whether a backup would save the school."""

from pathlib import Path

import click
import msgspec

from densach_core.place import kept_clock

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


@click.command("try-backup", epilog="Example: densach hub try-backup --data /var/lib/densach")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="The hub's data folder.",
    metavar="DIR",
)
@click.option(
    "--scratch",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Where there is room for it (default: the system's temporary folder).",
    metavar="DIR",
)
@JSON
def try_backup(data: Path, scratch: Path | None, as_json: bool) -> None:
    """Restore the newest backup into a temporary folder, look into it, and remember the outcome for `doctor`.

    Exits 1 when there is none or it is not good.
    """
    from densach_hub.settings import hub_settings
    from densach_hub.upkeep.trial import attempt

    trial = attempt(data, data / (hub_settings(data).backup.folder or "backups"), kept_clock(data), scratch)
    counts = ", ".join(f"{name} {n}" for name, n in trial.counts.items())
    said = f"The backup {trial.backup} can be restored: {trial.files} files ({counts})."
    shown = said if trial.good else f"The backup is NOT good: {trial.code}"
    click.echo(msgspec.json.encode(trial).decode() if as_json else shown)
    if not trial.good:
        raise SystemExit(1)
