"""Requests and responses of the Open Inference Protocol, as tests write and read them."""

import json
import struct
from typing import Any

import httpx
import numpy as np

from tests.support.scoring_server import Server

CODES = {
    "FP16": "<e",
    "FP32": "<f",
    "FP64": "<d",
    "INT8": "<b",
    "INT16": "<h",
    "INT32": "<i",
    "INT64": "<q",
    "UINT8": "<B",
    "UINT16": "<H",
    "UINT32": "<I",
    "UINT64": "<Q",
    "BOOL": "<?",
}
"""Data types to `struct`'s codes."""


def tensor(name: str, values: Any, datatype: str = "FP32") -> dict[str, Any]:
    """An input whose shape is that of its values."""
    array = np.array(values)
    return {"name": name, "datatype": datatype, "shape": list(array.shape), "data": values}


def infer(server: Server, *inputs: Any, path: str = "net", **fields: Any) -> httpx.Response:
    """POST a request as JSON."""
    body = json.dumps({"inputs": list(inputs), **fields})
    return httpx.post(f"{server.url}/v2/models/{path}/infer", content=body)


def binary(server: Server, head: dict[str, Any], data: bytes, size: Any = None) -> httpx.Response:
    """POST a request with binary data; `size` is what the header says of the JSON part."""
    text = json.dumps(head).encode()
    headers = {"Inference-Header-Content-Length": str(len(text) if size is None else size)}
    return httpx.post(f"{server.url}/v2/models/net/infer", content=text + data, headers=headers)


def outputs(answer: httpx.Response) -> dict[str, Any]:
    """Every output's values, whichever way they came; shapes are checked against them."""
    size = answer.headers.get("inference-header-content-length")
    head, data = answer.content, b""
    if size is not None:
        assert answer.headers["content-type"] == "application/octet-stream"
        head, data = answer.content[: int(size)], answer.content[int(size) :]
    found = {}
    for output in json.loads(head)["outputs"]:
        if "data" in output:
            values = np.array(output["data"])
        else:
            length = output["parameters"]["binary_data_size"]
            piece, data = data[:length], data[length:]
            code = CODES[output["datatype"]]
            values = np.array([value for (value,) in struct.iter_unpack(code, piece)])
        found[output["name"]] = values.reshape(output["shape"]).tolist()
    assert data == b""
    return found
