"""Waiting for commands that finish after they were answered: `--wait`."""
