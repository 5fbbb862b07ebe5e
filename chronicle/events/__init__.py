"""Events: their types, and the context that each one happened in."""
