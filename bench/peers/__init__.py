"""One worker a tool for `bench.side_by_side`, each run by the Python of its own environment: JSON in, JSON out."""
