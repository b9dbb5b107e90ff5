"""The `stratus-*` commands: a person at a terminal."""
