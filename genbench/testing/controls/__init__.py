"""Negative controls: plugins with one fault each, none of which raises an error of its own, and right twins of them.

`genbench check --controls` says which check catches which. They are registered nowhere.
"""
