"""Studies of the product itself, as commands: `automodel bench ...`."""
