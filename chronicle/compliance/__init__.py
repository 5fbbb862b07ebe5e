"""Personal data: marks for it (`markers`), and what can be asked about it (`compliance`)."""
