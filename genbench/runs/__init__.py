"""From a request to stored trials."""
