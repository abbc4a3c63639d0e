"""Commands on images, a module each; `run(context, options)` returns the exit code."""
