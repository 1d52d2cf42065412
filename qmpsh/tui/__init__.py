"""The full screen: output on the left, live events on the right, a prompt below."""
