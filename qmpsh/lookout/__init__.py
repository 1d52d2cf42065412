"""Looking around without a session: `qmpsh ls`, `qmpsh doctor`, and picking a monitor."""
