# Predicts NaN.
def predict(model, images):
    return model(images) * float("nan")
