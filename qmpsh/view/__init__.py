"""Values to text and styled lines; making what came from the VM safe to show."""
