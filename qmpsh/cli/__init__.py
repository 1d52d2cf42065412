"""The command line: words and options in, one of the front ends started, an exit code out."""
