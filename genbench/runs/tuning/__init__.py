"""The search for better hyper-parameters, only by validation splits."""
