"""Text from outside, made safe to print; the cleaner is imported when the first text comes."""


def printable(text: str) -> str:
    """The text without escape sequences and control characters."""
    from console.printable import printable as clean

    return clean(text)


def one_line(text: str) -> str:
    """The same on one line, with single spaces."""
    return " ".join(printable(text).split())
