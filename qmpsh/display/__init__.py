"""A machine's screen: its pixels, the characters that they show, and pictures for a terminal."""
