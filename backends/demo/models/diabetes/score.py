"""Disease progression from ten measurements; the ridge regression lies in an .npz file."""

import os

import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema

model = {}

# age, sex, body mass index, blood pressure, then six blood serum values
PATIENTS = np.array([[59.0, 2.0, 32.1, 101.0, 157.0, 93.2, 38.0, 4.0, 4.8598, 87.0]])
PROGRESSIONS = np.array([151.0])


def init():
    """Load the weights."""
    path = os.path.join(os.environ["AZUREML_MODEL_DIR"], "diabetes.npz")
    with np.load(path, allow_pickle=False) as arrays:
        model.update(arrays)
    print(f"loaded {len(model['weights'])} weights from {os.path.basename(path)}")


@input_schema("data", NumpyParameterType(PATIENTS))
@output_schema(NumpyParameterType(PROGRESSIONS))
def run(data):
    """Score rows of ten measurements."""
    scaled = (data - model["mean"]) / model["scale"]
    return (scaled @ model["weights"] + model["intercept"]).round(1).tolist()
