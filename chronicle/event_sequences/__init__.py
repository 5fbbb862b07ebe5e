"""Event sequences: appending to them, reading them, and units of work."""
