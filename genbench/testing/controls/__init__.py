"""Negative controls: plugins with one fault each, and correct twins of them.

None of the faults raises an error by itself. `genbench check --controls` says which check catches which. The controls
are not registered.
"""
