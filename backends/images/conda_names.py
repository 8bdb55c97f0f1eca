"""What conda calls things, for an installer that knows PyPI's names only."""

from collections.abc import Mapping
from types import MappingProxyType

RENAMED: Mapping[str, str] = MappingProxyType(
    {
        "cupy": "cupy-cuda12x",
        "dask-core": "dask",
        "faiss": "faiss-cpu",
        "matplotlib-base": "matplotlib",
        "msgpack-python": "msgpack",
        "opencv": "opencv-python-headless",
        "opencv-python": "opencv-python-headless",
        "py-opencv": "opencv-python-headless",
        "py-xgboost": "xgboost",
        "py-xgboost-cpu": "xgboost",
        "py-xgboost-gpu": "xgboost",
        "pyqt": "pyqt5",
        "pytables": "tables",
        "python-graphviz": "graphviz",
        "pytorch": "torch",
        "pytorch-cpu": "torch",
        "pytorch-gpu": "torch",
        "ruamel-yaml": "ruamel.yaml",
        "seaborn-base": "seaborn",
        "sklearn": "scikit-learn",
        "tensorflow-base": "tensorflow",
        "tensorflow-eigen": "tensorflow",
        "tensorflow-gpu": "tensorflow",
        "tensorflow-mkl": "tensorflow",
        "torchvision-cpu": "torchvision",
        "websocket-client-py": "websocket-client",
    }
)
"""conda name -> PyPI name, where they differ; both normalised (PEP 503)."""

PIP_RENAMED: Mapping[str, str] = MappingProxyType({"sklearn": "scikit-learn"})
"""Names in a pip section that never were the package itself."""

NOT_PYTHON = frozenset(
    {
        "binutils",
        "blas",
        "bzip2",
        "c-compiler",
        "ca-certificates",
        "cmake",
        "compilers",
        "cpuonly",
        "cudatoolkit",
        "cudnn",
        "cupti",
        "curl",
        "cxx-compiler",
        "ffmpeg",
        "fortran-compiler",
        "gcc",
        "geos",
        "gfortran",
        "git",
        "graphviz",
        "gxx",
        "hdf5",
        "icu",
        "intel-openmp",
        "krb5",
        "lame",
        "ld-impl-linux-64",
        "libffi",
        "libiconv",
        "libpng",
        "libprotobuf",
        "libsodium",
        "libspatialindex",
        "libtiff",
        "libuuid",
        "libxml2",
        "libxslt",
        "lz4-c",
        "make",
        "mkl",
        "mkl-devel",
        "mkl-fft",
        "mkl-include",
        "mkl-random",
        "mkl-service",
        "mpi",
        "mpich",
        "nccl",
        "ncurses",
        "ninja",
        "nodejs",
        "nomkl",
        "openblas",
        "openjdk",
        "openmp",
        "openmpi",
        "openssl",
        "pandoc",
        "pip",
        "pkg-config",
        "proj",
        "pytorch-cuda",
        "pytorch-mutex",
        "r",
        "r-base",
        "readline",
        "snappy",
        "sqlite",
        "sysroot-linux-64",
        "tbb",
        "tk",
        "unixodbc",
        "vc",
        "vs2015-runtime",
        "xz",
        "yaml",
        "zlib",
        "zstd",
    }
)
"""conda packages that are programs or libraries of the system, not Python packages."""

NOT_PYTHON_PREFIXES = (
    "-",  # `_libgcc_mutex`, `_openmp_mutex`
    "binutils-",
    "cuda-",
    "font-",
    "gcc-",
    "gfortran-",
    "gxx-",
    "libblas",
    "libcblas",
    "libcu",
    "libgcc",
    "libgfortran",
    "libgomp",
    "liblapack",
    "libopenblas",
    "libstdcxx",
    "llvm-openmp",
    "m2w64-",
    "r-",
    "vs20",
)

NUMPY_1_BEFORE: Mapping[str, str] = MappingProxyType(
    {
        "matplotlib": "3.8.4",
        "onnxruntime": "1.19",
        "pandas": "2.2.2",
        "scikit-learn": "1.4.2",
        "scipy": "1.13",
        "tensorflow": "2.18",
        "torch": "2.3",
    }
)
"""Binary packages -> the first version that runs on NumPy 2; older wheels do not say so."""

PYTHON_WITHOUT_SKLEARN: tuple[tuple[str, str], ...] = (
    ("0.20", "3.7"),
    ("0.22", "3.8"),
    ("0.24", "3.9"),
    ("1.0", "3.10"),
    ("1.1", "3.11"),
    ("1.3", "3.12"),
    ("1.5", "3.13"),
)
"""scikit-learn before that version has no ready-made builds from that Python on."""


def is_azureml(name: str) -> bool:
    """A package of Azure ML's own, whose place the scoring server takes."""
    return name == "azureml" or name.startswith("azureml-")
