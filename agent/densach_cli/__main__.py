"""`python -m densach_cli`: the command without its script."""

from densach_cli.main import main

main()
