"""Functions of arrays: densities, integrals, recursions."""
