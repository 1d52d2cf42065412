"""What programs ask of schemas: whether something is there, what changed, where a name is used."""
