"""The shell itself: one line in, one Outcome out. Knows no terminal and no click."""
