"""Words, and the library of proven recipes."""
