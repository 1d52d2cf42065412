"""An interactive session: its connection, its background queries, and the VM that it may own."""
