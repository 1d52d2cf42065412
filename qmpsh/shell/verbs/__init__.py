"""The shell's own words, `.help` and the like: what each of them does."""
