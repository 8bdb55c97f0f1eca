"""What a search found, set apart in a line as it is drawn."""

import re
from collections.abc import Iterator

from rich.segment import Segment
from rich.style import Style


def highlight(segment: Segment, pattern: re.Pattern[str] | None, style: Style) -> Iterator[Segment]:
    """The piece of a line, with what the pattern finds in it drawn in `style` on top."""
    end = 0
    for hit in pattern.finditer(segment.text) if pattern else ():
        if hit.end() > hit.start():
            yield Segment(segment.text[end : hit.start()], segment.style)
            yield Segment(hit.group(), (segment.style or Style()) + style)
            end = hit.end()
    yield Segment(segment.text[end:], segment.style)
