"""What `AMLResponse` is where there is no Flask: the part of its response that scripts use."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator, List, Optional, Tuple


class RawHeaders:
    """Header values in order, by name of any case; a name may come more than once."""

    def __init__(self) -> None:
        self._pairs: "List[Tuple[str, str]]" = []

    def add(self, name: str, value: "Any") -> None:
        """One more value."""
        self._pairs.append((name, str(value)))

    def remove(self, name: str) -> None:
        """Every value of a name."""
        self._pairs = [pair for pair in self._pairs if pair[0].lower() != name.lower()]

    def getlist(self, name: str) -> "List[str]":
        """Every value of a name."""
        return [value for key, value in self._pairs if key.lower() == name.lower()]

    def get(self, name: str, default: "Any" = None) -> "Any":
        """The first value of a name."""
        found = self.getlist(name)
        return found[0] if found else default

    def items(self, *_: "Any") -> "List[Tuple[str, str]]":
        """Every name with its value."""
        return list(self._pairs)

    def update(self, pairs: "Any") -> None:
        """Replace or add values."""
        for name, value in dict(pairs).items():
            self[name] = value

    def __setitem__(self, name: str, value: "Any") -> None:
        self.remove(name)
        self.add(name, value)

    def __getitem__(self, name: str) -> str:
        found = self.getlist(name)
        if not found:
            raise KeyError(name)
        return found[0]

    def __delitem__(self, name: str) -> None:
        self.remove(name)

    def __contains__(self, name: object) -> bool:
        return bool(self.getlist(str(name)))

    def __iter__(self) -> "Iterator[Tuple[str, str]]":
        return iter(self.items())


class RawResponse:
    """A body, whole or as an iterable of pieces, with status and headers."""

    def __init__(
        self, response: "Any" = b"", status: "Any" = 200, mimetype: "Optional[str]" = None
    ) -> None:
        self.status_code = int(str(status).split()[0])
        self.headers = RawHeaders()
        self.headers["Content-Type"] = mimetype or "text/html; charset=utf-8"
        self.response: "Iterable[Any]"
        if isinstance(response, (str, bytes, bytearray)):
            self.response = [response]
        else:
            self.response = response

    @property
    def is_streamed(self) -> bool:
        """The body comes in pieces and its size is not known."""
        return not isinstance(self.response, (list, tuple))

    @property
    def content_type(self) -> "Any":
        """The Content-Type header."""
        return self.headers.get("Content-Type")

    @content_type.setter
    def content_type(self, value: str) -> None:
        self.headers["Content-Type"] = value

    @property
    def mimetype(self) -> str:
        """The Content-Type header without its parameters."""
        return str(self.content_type or "").partition(";")[0].strip().lower()

    @mimetype.setter
    def mimetype(self, value: str) -> None:
        text = value.startswith("text/") and "charset" not in value
        self.content_type = value + "; charset=utf-8" if text else value

    @property
    def data(self) -> bytes:
        """The whole body."""
        return bytes(self.get_data())

    @data.setter
    def data(self, value: "Any") -> None:
        self.set_data(value)

    def get_data(self, as_text: bool = False) -> "Any":
        """The whole body."""
        self.response = list(self.response)
        body = b"".join(
            part.encode("utf-8") if isinstance(part, str) else bytes(part) for part in self.response
        )
        return body.decode("utf-8") if as_text else body

    def set_data(self, value: "Any") -> None:
        """Another body."""
        self.response = [value]
