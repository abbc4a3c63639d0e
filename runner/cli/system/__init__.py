"""Commands on the engine, a module each; `run(context, options)` returns the exit code."""
