"""Ends the build of a written Dockerfile: names the user's Python, hands the state to its user."""

import json
import os
import shutil
from pathlib import Path

HERE = Path(__file__).parent.parent


def main() -> None:
    """Do it, and take away what only the build needed."""
    job = json.loads((HERE / "job.json").read_text())
    result = json.loads((HERE / "result.json").read_text())
    state = Path(job["state"])
    launch = json.loads((state / "launch.json").read_text())
    launch["interpreter"] = result["interpreter"]
    (state / "launch.json").write_text(json.dumps(launch, indent=1))
    for path, mode in ((state, 0o700), (state / "launch.json", 0o600)):
        os.chown(path, job["user_id"], job["user_id"])
        path.chmod(mode)
    shutil.rmtree(job["tools"], ignore_errors=True)
    shutil.rmtree(HERE, ignore_errors=True)


if __name__ == "__main__":
    main()
