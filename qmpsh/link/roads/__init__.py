"""Roads: the transports besides sockets and TCP, one module a scheme."""
