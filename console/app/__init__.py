"""The Textual app.

Textual reads these variables while it is imported, so they are set before that: nothing is
animated, and over SSH fewer frames a second travel.
"""

import os

FRAMES_OVER_SSH = "12"

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
if os.environ.get("SSH_CONNECTION"):
    os.environ.setdefault("TEXTUAL_FPS", FRAMES_OVER_SSH)
