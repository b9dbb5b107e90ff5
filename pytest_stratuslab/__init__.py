"""The fixtures for pytest that a program's own tests use: a cloud on loopback, and a driver for it.

pytest loads `pytest_stratuslab.plugin` at each of its starts, in every project. So this is a package of its own, which
imports the rest only when a test wants one of the fixtures.
"""
