"""The transports: one module per way to reach a monitor."""
