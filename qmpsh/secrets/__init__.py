"""Which parts of a text are secret, and the texts without them."""
