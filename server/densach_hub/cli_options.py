"""What the hub's commands have in common."""

from pathlib import Path
from typing import Any

import click
import msgspec

NEW = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="The hub's data folder.", metavar="DIR"
)
DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="The hub's data folder.",
    metavar="DIR",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


def tell(facts: dict[str, Any], said: str, *, as_json: bool) -> None:
    """What a command found out: for a script, or for a person."""
    click.echo(msgspec.json.encode(facts).decode() if as_json else said)
