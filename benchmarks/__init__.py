"""What the package costs, compared with the least that it could cost: ``make bench``.

Each module of `benchmarks.rows` measures one thing and returns rows of the table in ``docs/benchmarks.md``.
"""
