"""What others have written about QMP, done with qmpsh as it stands there; see CONTRIBUTING.md."""
