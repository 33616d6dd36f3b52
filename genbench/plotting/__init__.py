"""Drawing primitives. They do not depend on runs and trials."""
