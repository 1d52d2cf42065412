"""One monitor for several clients: a qmpsh that holds it serves it to others."""
