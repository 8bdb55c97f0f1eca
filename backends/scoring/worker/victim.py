"""When memory runs out the kernel shall end a worker, and never the supervisor that replaces it."""

PATH = "/proc/self/oom_score_adj"
"""proc(5): -1000 to 1000; everybody may raise his own."""
STEP = 300
MOST = 1000


def volunteer() -> None:
    """Be ended before processes of the same size; does nothing where the kernel has no score."""
    try:
        with open(PATH, "r+") as file:
            score = int(file.read())
            file.seek(0)
            file.write(str(min(MOST, score + STEP)))
    except (OSError, ValueError):
        return
