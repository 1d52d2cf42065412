"""Values to styled lines."""
