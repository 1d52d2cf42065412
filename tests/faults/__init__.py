"""Losing and finding the server, at every state of every front end."""
