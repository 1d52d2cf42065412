"""The full screen: the front end with panes."""
