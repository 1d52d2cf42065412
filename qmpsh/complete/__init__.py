"""Completion: turns a line, a cursor and what is known of the server into candidates. Pure."""
