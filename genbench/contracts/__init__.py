"""What a plugin subclasses or receives."""
