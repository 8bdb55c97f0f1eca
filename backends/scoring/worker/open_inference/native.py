"""A runner that takes tensors as they are."""

import abc

from ..messages import Runner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .requests import Asked


class TensorRunner(Runner):
    """Others get a body of JSON made of the tensors."""

    @abc.abstractmethod
    def infer(self, asked: "Asked") -> "Any":
        """Output tensors and run()'s milliseconds.

        Raises:
            BadRequest: The inputs are not the model's.
        """
