"""A VM that the shell starts for itself: started, followed, and ended or left at the end."""
