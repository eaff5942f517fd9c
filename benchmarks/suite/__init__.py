"""The benchmark suite: the same work done by this package and by its peers, in turn.

``make bench-envs`` builds an environment for each peer, ``make bench-quick`` measures in ten
minutes, ``make bench`` thoroughly. A subject is a file in ``benchmarks/subjects``: what is
measured, and a function for each contender that prepares the work and gives back what is timed.
"""
