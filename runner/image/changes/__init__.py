"""The Dockerfile instructions of `import --change` and `commit --change`.

Source: moby builder/dockerfile BuildFromConfig over buildkit's parser. Only what the eleven
instructions need that are valid there; texts of errors are buildkit's.
"""

from runner.image.changes.instructions import apply_changes

__all__ = ["apply_changes"]
