"""What loading a pickle-based file would import, found without loading it."""

import base64
import bz2
import collections
import gzip
import io
import lzma
import os
import pickle
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.registry import pickle_machine
from backends.registry.pickles import UNREAD, scan
from backends.registry.records import Registration
from backends.registry.registry import Registry

JOBLIB_ARRAY_THEN_DEQUE = base64.b64decode(
    "gASV2gAAAAAAAAB9lCiMAWGUjBNqb2JsaWIubnVtcHlfcGlja2xllIwRTnVtcHlBcnJheVdyYXBwZXKUk5QpgZR9lCiM"
    "CHN1YmNsYXNzlIwFbnVtcHmUjAduZGFycmF5lJOUjAVzaGFwZZRLAksDhpSMBW9yZGVylIwBQ5SMBWR0eXBllGgIjAVk"
    "dHlwZZSTlIwCaTSUiYiHlFKUKEsDjAE8lE5OTkr/////Sv////9LAHSUYowKYWxsb3dfbW1hcJSIjBtudW1weV9hcnJh"
    "eV9hbGlnbm1lbnRfYnl0ZXOUSxB1Ygr/////////////AAAAAAEAAAACAAAAAwAAAAQAAAAFAAAAlSgAAAAAAAAAjAVh"
    "ZnRlcpSMC2NvbGxlY3Rpb25zlIwFZGVxdWWUk5QpUpRLAWF1Lg=="
)
"""`{"a": a 2x3 int32 array, "after": a deque}` as joblib 1.5 writes it."""


class Harmful:
    """Runs a command when it is loaded."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("false",)


SYSTEM = f"{os.name} system"


def scanned(tmp_path: Path, name: str, data: bytes) -> tuple[str, ...]:
    path = tmp_path / "blob"
    path.write_bytes(data)
    return scan(name, path)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_globals_of_every_protocol_are_named(tmp_path: Path, protocol: int) -> None:
    data = pickle.dumps([Harmful(), collections.deque([1])], protocol)
    found = scanned(tmp_path, "model.pkl", data)
    assert SYSTEM in found
    assert "collections deque" in found
    assert not any(one.startswith(UNREAD) for one in found)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_imports_nothing(tmp_path: Path, protocol: int) -> None:
    data = pickle.dumps({"a": [1, 2.5, None, ("x", True)] * 10, "b": "text" * 40_000}, protocol)
    assert scanned(tmp_path, "data.pickle", data) == ()


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"(S'false'\nios\nsystem\n.", "os system"),  # INST
        (b"(cos\nsystem\nS'false'\no.", "os system"),  # OBJ
        (b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x30\x30h\x00h\x01\x93.", "os system"),  # memo
        (b"\x80\x04\x8c\x02os\x8c\x01x\x30\x8c\x06system\x93.", "os system"),  # POP between
        (b"\x80\x04\x8c\x06systemp0\n0\x8c\x02osg0\n\x93.", "os system"),
        (b"\x80\x02\x82\x07.", "copyreg extension-7"),
    ],
)
def test_global_is_named_however_its_name_gets_there(
    tmp_path: Path, data: bytes, named: str
) -> None:
    assert scanned(tmp_path, "model.pkl", data) == (named,)


def test_name_that_is_made_while_loading_is_not_guessed(tmp_path: Path) -> None:
    data = b"\x80\x04cbuiltins\nstr\n)R\x8c\x06system\x93."
    found = scanned(tmp_path, "model.pkl", data)
    assert "builtins str" in found
    assert any(one.startswith(UNREAD) for one in found)


@pytest.mark.parametrize(
    "pack", [zlib.compress, gzip.compress, bz2.compress, lzma.compress], ids=lambda p: p.__module__
)
def test_compressed_pickle_is_followed(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    data = pickle.dumps([bytes(300_000), Harmful()])
    assert scanned(tmp_path, "model.joblib", pack(data)) == (SYSTEM,)


def test_array_bytes_inside_a_joblib_file_are_stepped_over(tmp_path: Path) -> None:
    found = scanned(tmp_path, "model.joblib", JOBLIB_ARRAY_THEN_DEQUE)
    assert found == (
        "collections deque",
        "joblib.numpy_pickle NumpyArrayWrapper",
        "numpy dtype",
        "numpy ndarray",
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_pickle_inside_a_zip_is_followed(tmp_path: Path, method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Harmful(), 2))
        archive.writestr("archive/data/0", bytes(1000))
    assert scanned(tmp_path, "pytorch_model.bin", buffer.getvalue()) == (SYSTEM,)


def test_pickles_in_a_row_are_all_followed(tmp_path: Path) -> None:
    data = pickle.dumps(1, 2) + pickle.dumps({"little": True}, 2) + pickle.dumps(Harmful(), 2)
    assert scanned(tmp_path, "old.pt", data + bytes(500)) == (SYSTEM,)


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def test_array_of_objects_is_followed_and_one_of_numbers_is_not(tmp_path: Path) -> None:
    objects = np.empty(1, dtype=object)
    objects[0] = Harmful()
    assert SYSTEM in scanned(tmp_path, "a.npy", npy(objects))
    assert scanned(tmp_path, "a.npy", npy(np.arange(9))) == ()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, a=objects, b=np.arange(9))
    assert SYSTEM in scanned(tmp_path, "a.npz", buffer.getvalue())


@pytest.mark.parametrize("name", ["model.h5", "model.onnx", "weights.safetensors", "notes.txt"])
def test_other_files_are_left_alone(tmp_path: Path, name: str) -> None:
    assert scanned(tmp_path, name, pickle.dumps(Harmful())) == ()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no pickle",
        pickle.dumps(Harmful())[:-3],
        b"\x04\x22\x4d\x18rest of lz4",
        zlib.compress(pickle.dumps(1))[:-6],
        b"PK\x03\x04 broken",
        b"\x80\x04\x8d" + b"\xff" * 8,
        zlib.compress(b"\x80\x04" + b"N0" * 400_000),
    ],
    ids=["empty", "text", "cut", "lz4", "cut zlib", "zip", "huge length", "bomb"],
)
def test_pickle_that_cannot_be_followed_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    monkeypatch.setattr(pickle_machine, "MAX_OPCODES", 100_000)
    found = scanned(tmp_path, "model.pkl", data)
    assert any(one.startswith(UNREAD) for one in found)


def test_binary_that_is_no_pickle_is_not_marked(tmp_path: Path) -> None:
    assert scanned(tmp_path, "weights.bin", bytes(range(256)) * 100) == ()


@given(st.binary(max_size=300), st.integers(0, 300))
@settings(max_examples=300)
def test_damage_never_stops_a_registration(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, position: int
) -> None:
    folder = tmp_path_factory.getbasetemp()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.pkl", JOBLIB_ARRAY_THEN_DEQUE)
    for data in (
        JOBLIB_ARRAY_THEN_DEQUE,
        zlib.compress(JOBLIB_ARRAY_THEN_DEQUE),
        buffer.getvalue(),
    ):
        damaged = bytearray(data)
        damaged[position : position + len(noise)] = noise
        (folder / "noise").write_bytes(damaged)
        assert isinstance(scan("model.pkl", folder / "noise"), tuple)


def test_registered_file_is_marked(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Harmful()))
    registry.register(Registration(name="x", path=str(tmp_path / "model.pkl")))
    assert registry.get("x").files[0].executes_on_load == (SYSTEM,)
