"""The commands as typer sees them, one module for each group.

Each command is a class of annotated options and a Command that names what runs it. The classes are
also the types of the parsed values: the commands import them for type checking only.
"""
