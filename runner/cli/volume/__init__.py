"""Commands on volumes, a module each; `run(context, options)` returns the exit code."""
