"""`python -m densach_hub.upkeep.bundle verify DIR`: for setup.sh, in the environment of the plays, where no hub's parts are."""

import sys

import click

from densach_cli.main import one_line
from densach_core.errors import Problem
from densach_hub.upkeep.bundle.cli import bundle

if __name__ == "__main__":
    try:
        bundle.main(prog_name="densach bundle", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Problem as problem:
        click.echo(one_line(problem), err=True)
        sys.exit(1)
