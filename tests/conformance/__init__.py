"""The contract and the specified behaviours, on any kernel: `pytest tests/conformance --kernel chronicle://host:port`."""
