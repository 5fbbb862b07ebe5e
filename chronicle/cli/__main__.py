"""`python -m chronicle.cli`, the same as `chronicle`."""

from chronicle.cli import main

main()
