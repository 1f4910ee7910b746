# Opens files until it is refused.
def train(model, task, run):
    held = []
    while True:
        held.append(open("/dev/null"))
