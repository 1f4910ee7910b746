# Writes into the labels that it is given.
def sample_weights(task, labels):
    labels.zero_()
    return labels.float() + 1


def batch_transform(task):
    def transform(images, labels):
        labels.zero_()
        return images, labels

    return transform
