# Is no Python.
def train_transform(task)
    return None
