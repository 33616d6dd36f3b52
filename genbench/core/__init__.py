"""Names, errors, randomness and the registry. Imports no other folder of genbench."""
