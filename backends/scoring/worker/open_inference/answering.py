"""One inference request through a runner."""

from ..messages import Answer, BadRequest
from . import bridge, requests
from .native import TensorRunner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..messages import Request, Runner


def answer(runner: "Runner", request: "Request") -> Answer:
    """The protocol's response; an error keeps its plain form, the supervisor words it."""
    try:
        asked = requests.read(request)
        if isinstance(runner, TensorRunner):
            found = runner.infer(asked)
        else:
            found = bridge.infer(runner, asked, request)
        if isinstance(found, Answer):
            return found
        outputs, run_ms = found
        return requests.response(asked, outputs, run_ms)
    except BadRequest as error:
        return Answer.problem(error.status, error.message)
