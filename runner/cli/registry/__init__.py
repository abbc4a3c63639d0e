"""Commands on registries."""
