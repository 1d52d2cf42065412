"""Completion: a line, a cursor and what is known of the server to candidates. Pure."""
