# Reads where nothing is.
import ctypes


def train(model, task, run):
    ctypes.string_at(0)
