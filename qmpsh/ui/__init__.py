"""The interactive front ends: the full screen and the line prompt."""
