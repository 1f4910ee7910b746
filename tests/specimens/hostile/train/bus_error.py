# Maps more shared memory than there is, and touches it.
import mmap
import os


def train(model, task, run):
    file = os.open("/dev/shm/big", os.O_RDWR | os.O_CREAT)
    os.truncate(file, 1 << 30)
    shared = mmap.mmap(file, 1 << 30)
    for place in range(0, 1 << 30, 4096):
        shared[place] = 1
