"""Bytes to messages and back: the QMP rules, without a socket, a clock or a thread."""
