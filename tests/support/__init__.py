"""The machinery that the tests stand on: real daemons, made images, checks for residue."""
