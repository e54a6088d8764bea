"""Reads one Bot API call from an HTTP request (query, JSON, urlencoded or multipart) and names its errors.

Parameters arrive as JSON values or as strings, as Telegram allows both; the readers of `Call` accept
either and raise `BotApiError` with Telegram's own words where a value is missing or wrong.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

ATTACHED = "attach://"
"""Goes before the name of a part of the same request where a file is described in JSON."""


class BotApiError(Exception):
    """A refusal as Telegram words it: an HTTP status, a description, and sometimes parameters."""

    def __init__(self, code: int, description: str, parameters: Mapping[str, Any] | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = dict(parameters or {})

    def as_json(self) -> dict[str, Any]:
        """Give the body of the answer."""
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return body


def bad_request(description: str) -> BotApiError:
    """Make a 400 with Telegram's prefix."""
    return BotApiError(400, f"Bad Request: {description}")


@dataclass(frozen=True)
class Upload:
    """One file of a multipart body; `file` is open for reading until the call has been answered."""

    name: str
    content_type: str
    size: int
    file: BinaryIO = field(repr=False)


@dataclass
class Call:
    """One call of a Bot API method: its name, its parameters and the files that came with it."""

    method: str
    parameters: dict[str, Any] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Tell whether a parameter was given and is not null."""
        return self.parameters.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """Give a string; numbers are taken as their digits."""
        value = self.parameters.get(name)
        if value is None:
            return default
        if isinstance(value, (dict, list)):
            raise bad_request(f'field "{name}" must be of type String')
        return str(value)

    def integer(self, name: str, default: int = 0) -> int:
        """Give a whole number, also where it came as digits in a string."""
        value = self.parameters.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            raise bad_request(f'field "{name}" must be a valid Number') from None

    def boolean(self, name: str, default: bool = False) -> bool:
        """Give a flag: JSON booleans, "true"/"false" in any case, "1"/"0"."""
        value = self.parameters.get(name)
        if value is None:
            return default
        return value is True or str(value).lower() in {"true", "1", "yes"}

    def json(self, name: str) -> Any:
        """Give a JSON value, which forms carry as a string; None where it is missing."""
        value = self.parameters.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {name.replace('_', ' ')} JSON object") from None

    def file(self, name: str, value: Any = None) -> Upload | str | None:
        """Give the file named by a parameter: an upload, or the file_id or address that stands for one.

        None where there is none, and where what is named was not uploaded.

        `value` is taken in place of the parameter for files that are named inside another one (media groups).
        """
        if value is None:
            if name in self.uploads:
                return self.uploads[name]
            value = self.parameters.get(name)
        if value is None or value == "":
            return None
        reference = str(value)
        if reference.startswith(ATTACHED):
            return self.uploads.get(reference.removeprefix(ATTACHED))
        return reference

    def record(self) -> dict[str, Any]:
        """Give the parameters for the record of calls: files by name and size, never their bytes."""
        recorded: dict[str, Any] = {}
        for name in self.parameters:
            value = self.parameters[name]
            if isinstance(value, str) and value[:1] in {"{", "["}:
                try:
                    value = json.loads(value)
                except ValueError:
                    value = self.parameters[name]
            recorded[name] = value
        for name, upload in self.uploads.items():
            recorded[name] = {"file_name": upload.name, "size": upload.size}
        return recorded


async def read_call(method: str, request: Request) -> tuple[Call, FormData | None]:
    """Read a call; the form, if there is one, has to be closed when the call was answered."""
    parameters: dict[str, Any] = dict(request.query_params)
    uploads: dict[str, Upload] = {}
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if request.method != "POST":
        return Call(method, parameters), None
    if content_type == "application/json":
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            raise bad_request("can't parse request's JSON object") from None
        if not isinstance(body, dict):
            raise bad_request("expected JSON object in the request's body")
        return Call(method, parameters | body), None
    if content_type not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return Call(method, parameters), None
    form = await request.form()
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            uploads[name] = Upload(
                name=value.filename or "file",
                content_type=value.content_type or "application/octet-stream",
                size=value.size or 0,
                file=value.file,
            )
        else:
            parameters[name] = value
    return Call(method, parameters, uploads), form
