"""What the bank is about; nothing in here knows of HTTP or of where events are stored."""
