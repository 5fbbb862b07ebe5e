"""What the figures in the README come from: Chronicle beside its peers and its limits, in the same run.

`python -m benchmarks` (or `make bench`) runs everything; `docs` for one area are in its module.
"""
