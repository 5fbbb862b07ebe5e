"""SQLite: the one writer, the readers, the schema and its migrations. The only place that knows SQL."""
