"""The line prompt: the front end with native scrollback."""
