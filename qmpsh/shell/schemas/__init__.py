"""The schema tools at work: where a schema comes from, and what each tool makes of it."""
