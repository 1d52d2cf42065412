"""What a VM shows: its display as a picture, and the characters on it."""
