"""How a worker marks a line that it writes to a standard stream, for the supervisor to take apart.

A marked line is RS, level, US, request id, US, text. A line without the mark came from native code.
"""

MARK = "\x1e"
SEPARATOR = "\x1f"
