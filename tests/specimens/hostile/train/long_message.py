# Raises an exception whose message is 50 MB.
def train(model, task, run):
    raise ValueError("long " * (10 << 20))
