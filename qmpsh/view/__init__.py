"""Turns values into text and styled lines, and makes what came from the VM safe to show."""
