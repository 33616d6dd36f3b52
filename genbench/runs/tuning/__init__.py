"""The search for better hyper-parameters, by validation splits alone."""
