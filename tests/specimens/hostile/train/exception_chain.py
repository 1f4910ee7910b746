# Raises an exception with ten thousand causes, each with a long message.
def train(model, task, run):
    error = None
    for number in range(10_000):
        following = ValueError(f"{number} " * 1000)
        following.__cause__ = error
        error = following
    raise error
