"""Answers, events and errors as styled lines of text, made safe for a terminal."""
