# Prints long lines for ever.
def train(model, task, run):
    while True:
        print("x" * 65_000)
