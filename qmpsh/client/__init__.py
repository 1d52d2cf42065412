"""The client: connecting to a server, the handshake, and sending and receiving without blocking."""
