"""The openapi.json of the appliance and of the hub, and whether an answer holds to it: strictly, so
that a member which the document doesn't know is a failure, too.

    from api_document import APPLIANCE, HUB
    HUB.hold("GET", "/v1/devices", 200, headers, text)
"""

import copy
import json
import re

import jsonschema
import schemas

# What clients act upon; other headers are HTTP's own.
HEADERS = ("Idempotent-Replay", "Retry-After", "Set-Cookie", "WWW-Authenticate")
WRITES = ("post", "put", "delete", "patch")


def closed(part):
    """Refuses members that the document doesn't know, and keeps open what it says is open."""
    if isinstance(part, list):
        return [closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    made = {key: closed(value) for key, value in part.items()}
    if made.get("type") == "object" and made.get("properties"):
        made.setdefault("additionalProperties", False)
    return made


class Document:
    def __init__(self, path):
        self.document = json.loads((schemas.ROOT / path).read_text())
        self.strict = closed(self.document)
        # The literal path before the one with holes.
        self.templates = sorted(self.document["paths"], key=lambda t: t.count("{"))
        self.answered = set()  # "method path" of what was answered with success

    def resolve(self, part, document=None):
        while "$ref" in part:
            found = document or self.document
            for key in part["$ref"].removeprefix("#/").split("/"):
                found = found[key]
            part = found
        return part

    def problems(self, schema, value, document=None):
        resolver = jsonschema.RefResolver(base_uri="", referrer=document or self.strict)
        validator = jsonschema.Draft202012Validator(
            schema, resolver=resolver, format_checker=schemas.FORMATS
        )
        return [f"{e.json_path}: {e.message}" for e in validator.iter_errors(value)]

    def operations(self, document=None):
        for path, item in (document or self.document)["paths"].items():
            for method in ("get", *WRITES):
                if method in item:
                    yield method, path, item[method]

    def operation(self, method, path):
        """The operation of a real path, and its template."""
        path = path.split("?")[0]
        for template in self.templates:
            # A scope holds slashes: store/0042.
            pattern = re.escape(template).replace(r"\{scope\}", ".+")
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", pattern)
            item = self.strict["paths"][template]
            if re.fullmatch(pattern, path) and method.lower() in item:
                return template, item[method.lower()]
        return None, None

    def example(self, method, path):
        body = self.document["paths"][path][method].get("requestBody")
        if not body:
            return None
        [content] = self.resolve(body)["content"].values()
        return copy.deepcopy(content["example"])

    def hold(self, method, path, status, headers, text):
        """Raises AssertionError unless the answer is in the document, and as it says; the template."""
        template, found = self.operation(method, path)
        assert found, f"{method} {path} is not in the document"
        status = str(status)
        assert status in found["responses"], f"{method} {template}: {status} is not documented"
        response = self.resolve(found["responses"][status], self.strict)
        content = {n.split(";")[0]: c for n, c in response.get("content", {}).items()}
        kind = headers.get_content_type()
        if content:
            assert kind in content, f"{method} {template}: {kind}"
        else:
            assert not text, f"{method} {template}: {status} has an undocumented body"
        told = {name for name in HEADERS if name in headers}
        assert told <= set(response.get("headers", {})), f"{method} {template}: {status}: {told}"
        if kind.endswith("json") and text:
            wrong = self.problems(content[kind]["schema"], json.loads(text))
            assert not wrong, f"{method} {template}: {status}: {wrong}\n{text[:2000]}"
        if int(status) < 300:
            self.answered.add(f"{method.lower()} {template}")
        return template


APPLIANCE = Document("agent/api/openapi.json")
HUB = Document("sync/hub/web/openapi.json")
