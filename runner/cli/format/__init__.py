"""How lists and objects are shown: tables, JSON, simple templates (docker/cli formatter)."""
