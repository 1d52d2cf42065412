"""The full screen: output on the left, events on the right as they happen, a prompt below."""
