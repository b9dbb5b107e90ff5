"""What the package costs, measured side by side with what it could cost: ``make bench``.

Each module of `benchmarks.rows` measures one thing and returns rows of the table in ``docs/benchmarks.md``.
"""
