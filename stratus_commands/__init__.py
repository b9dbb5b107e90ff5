"""The ``stratus-*`` commands: a person at a terminal, and the scripts that people have.

A package of its own, since importing anything below `stratuslab_libcloud` imports Libcloud, and ``--help`` must not
wait for that: modules import it in the functions that need it.
"""
