"""Shell completion of the command line, for bash, zsh and fish."""
