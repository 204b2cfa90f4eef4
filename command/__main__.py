"""`python -m command` is the `hotline` command."""

from command.main import run

run()
