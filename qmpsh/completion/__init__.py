"""Completion of the command line itself, in bash, zsh and fish: a room entered on Tab alone."""
