"""Bank accounts on Chronicle and FastAPI: `python -m example_app`."""
