"""How a client reaches a kernel: connection strings, the two channels, the session."""
