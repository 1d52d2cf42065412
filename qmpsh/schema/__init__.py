"""What the server accepts: introspection to types. No prompt_toolkit, no socket."""
