"""Commands on containers, a module each; `run(context, options)` returns the exit code."""
