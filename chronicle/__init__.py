"""Event sourcing with Cratis Chronicle: the client and its embedded kernel."""
