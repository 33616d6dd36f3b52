"""The templates of `genbench new`: files that run unchanged.

`genbench new` replaces the names in them by the name that the user gives.
"""
