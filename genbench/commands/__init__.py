"""The verbs of the command line: one module each, with a function that parses, calls and prints."""
