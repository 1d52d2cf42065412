"""Text to commands: the language of the prompt, of scripts and of one-shots. No I/O."""
