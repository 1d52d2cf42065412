"""Non-interactive use: one-shots and scripts, without prompt_toolkit."""
