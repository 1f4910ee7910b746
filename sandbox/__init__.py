"""Contains: runs components where they can do no harm."""
