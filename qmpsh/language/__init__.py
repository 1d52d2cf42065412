"""The language of the shell: a line of text to its tokens, words and arguments."""
