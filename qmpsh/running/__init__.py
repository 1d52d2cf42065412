"""A VM for as long as the shell lives: started, followed and ended here."""
