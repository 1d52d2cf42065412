"""A VM that the shell starts itself, follows, and finally ends or leaves running."""
