"""What a flag's text means: one function for each kind of value, raising ValueError with Go's text.

Named as typer's `parser=` in the declarations, and by reference in the parse table.
"""
