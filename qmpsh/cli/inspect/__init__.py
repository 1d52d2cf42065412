"""`qmpsh ls` and `qmpsh doctor`: which monitors there are, and whether a session works."""
