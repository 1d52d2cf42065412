"""`qmpsh run`: a VM started for the session."""
