"""What is measured, one module a subject; `measure` of each does it."""
