"""A model as a user holds it: numpy in, numpy out."""
