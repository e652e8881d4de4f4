"""The appliance's openapi.json, and whether an answer holds to it: strictly, so that a member which
the document doesn't know is a failure, too.

    import api_document
    api_document.hold("GET", "/v1/status", 200, headers, text)
"""

import copy
import json
import re

import jsonschema
import schemas

DOCUMENT = json.loads((schemas.ROOT / "agent" / "api" / "openapi.json").read_text())
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


STRICT = closed(DOCUMENT)


def resolve(part, document=DOCUMENT):
    while "$ref" in part:
        found = document
        for key in part["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        part = found
    return part


def problems(schema, value, document=STRICT):
    resolver = jsonschema.RefResolver(base_uri="", referrer=document)
    validator = jsonschema.Draft202012Validator(
        schema, resolver=resolver, format_checker=schemas.FORMATS
    )
    return [f"{e.json_path}: {e.message}" for e in validator.iter_errors(value)]


def operations(document=DOCUMENT):
    for path, item in document["paths"].items():
        for method in ("get", *WRITES):
            if method in item:
                yield method, path, item[method]


def operation(method, path):
    """The operation of a real path, and its template: the literal one before the one with holes."""
    path = path.split("?")[0]
    for template in sorted(DOCUMENT["paths"], key=lambda t: t.count("{")):
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path) and method.lower() in DOCUMENT["paths"][template]:
            return template, STRICT["paths"][template][method.lower()]
    return None, None


def example(method, path):
    body = DOCUMENT["paths"][path][method].get("requestBody")
    if not body:
        return None
    [content] = resolve(body)["content"].values()
    return copy.deepcopy(content["example"])


def hold(method, path, status, headers, text):
    """Raises AssertionError unless the answer is in the document, and as it says; the template."""
    template, found = operation(method, path)
    assert found, f"{method} {path} is not in the document"
    status = str(status)
    assert status in found["responses"], f"{method} {template}: {status} is not documented"
    response = resolve(found["responses"][status], STRICT)
    content = {n.split(";")[0]: c for n, c in response.get("content", {}).items()}
    kind = headers.get_content_type()
    if content:
        assert kind in content, f"{method} {template}: {kind}"
    else:
        assert not text, f"{method} {template}: {status} has an undocumented body"
    told = {name for name in HEADERS if name in headers}
    assert told <= set(response.get("headers", {})), f"{method} {template}: {status}: {told}"
    if kind.endswith("json") and text:
        wrong = problems(content[kind]["schema"], json.loads(text))
        assert not wrong, f"{method} {template}: {status}: {wrong}\n{text[:2000]}"
    return template
