"""The terminal front ends."""
