"""`python -m runner` is the command."""

from runner.cli.main import main

main()
