"""A run as one page: how good it is, how it came to be, what to do with it."""
