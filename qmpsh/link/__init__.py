"""Where bytes come from: addresses, transports, and the client that drives `wire` over them."""
