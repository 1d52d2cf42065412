"""The QMP wire protocol, without I/O: framing, messages and the state of a connection."""
