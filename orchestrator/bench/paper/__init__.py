"""The paper's experiments (its section 4), as a command: `automodel bench paper`."""
