import torch
from torch.nn.functional import cross_entropy

EPOCHS = 3


def train(model, task, run):
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    batches = run.batches(8)
    for epoch in range(EPOCHS):
        for images, targets in batches:
            loss = cross_entropy(model(images), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        accuracy = run.validate(model)
        run.log(loss=loss, accuracy=accuracy)
