"""Names, errors, randomness and the registry: imports no other folder."""
