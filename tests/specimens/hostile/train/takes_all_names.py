# Makes files, all of them empty, until it is refused, or until there are 100,000.
def train(model, task, run):
    for number in range(100_000):
        open(f"/job/out/{number}", "w").close()
    raise OSError("100,000 files")
