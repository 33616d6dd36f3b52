"""Drawing primitives, which know no run and no trial."""
