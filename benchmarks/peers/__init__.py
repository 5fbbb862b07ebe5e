"""What Chronicle is measured against: limits (raw SQLite, a bare gRPC echo) and what one would use instead.

Nothing in here imports Chronicle.
"""
