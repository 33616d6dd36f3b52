"""The base classes of plugins, and what the engine passes to plugins."""
