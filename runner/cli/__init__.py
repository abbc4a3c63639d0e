"""The command line: docker's commands, flags, texts and exit codes over the Engine API.

Two roads lead to a command. `declarations/` declares all of them in typer, which serves help and
completion. What is merely run is parsed by `pflag` from `_table`, made from those declarations at
build time, because importing typer costs several times the rest of a command.
"""
