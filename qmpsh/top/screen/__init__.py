"""The live table on the terminal."""
