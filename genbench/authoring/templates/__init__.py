"""What `genbench new` writes: files that run as they are, in which it puts the name that is asked for."""
