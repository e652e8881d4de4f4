"""The hub's openapi.json against the tables of its code, and against itself. What the running hub
answers is held to it by each of tests/hub."""

import re

import jsonschema
import pytest
import schemas
from api_document import HUB

WEB = schemas.ROOT / "sync" / "hub" / "web"
ROLES = {
    "BACK_OFFICE": ["it", "finance"],
    "FINANCE": ["finance"],
    "ACCESS_BIT(ACCESS_FINANCE)": ["finance"],
    "COMMERCE": ["commerce", "it"],
    "ACCESS_BIT(ACCESS_PROVIDER)": ["provider"],
    "IT": ["it"],
    "VIEWER | IT": ["viewer", "it"],
    "LOOKERS": ["viewer", "it", "finance"],
    "ACCESS_ANYBODY": ["viewer", "it", "finance", "commerce"],
}
PROVIDER_PATH = re.search(r'define UPLOADS_PROVIDER_PATH "(.+)"', (WEB / "uploads.h").read_text())[1]


def table(file, name):
    """The rows of a table of the code, as lists of what stands between the commas."""
    text = (WEB / file).read_text()
    body = re.search(rf"\b{name}\[\] = {{(.*?)\n}};", text, re.DOTALL)[1]
    body = body.replace("UPLOADS_PROVIDER_PATH", f'"{PROVIDER_PATH}"')
    for row in re.findall(r"\{([^{}]*)\}", body):
        yield [part.strip().strip('"') for part in row.replace("\n", " ").split(",")]


def shape(path):
    return re.sub(r"\{\w+\}", "{}", path)


def with_hole(path):
    return path + "{}" if path.endswith("/") else path


def reads_of_code():
    """{path: roles}; those that anybody may read, without a token or with any, have none."""
    found = {"/openapi.json": None, "/healthz": None, "/v1/me": ROLES["ACCESS_ANYBODY"]}
    for path, _, roles, *_ in table("web.c", "routes"):
        found[with_hole(path)] = ROLES[roles]
    for path, roles, *_ in table("fleet_read.c", "views"):
        found[with_hole(path)] = ["viewer", "it"] if roles == "LOOKERS" else ROLES[roles]
    return found


def writes_of_code():
    """{(method, path): (roles, action)}"""
    found = {}
    for path, verb, action, roles, *_ in table("changes.c", "kinds"):
        found["post", f"{path}{{}}/{verb}"] = (ROLES[roles], action)
    for path, action, roles, *_ in table("uploads.c", "kinds"):
        found["post", path] = (ROLES[roles], action)
    for method, path, tail, action, *_ in table("fleet.c", "kinds"):
        found[method.lower(), with_hole(path) + tail] = (["it"], action)
    return found


def test_document_and_code_have_the_same_routes():
    documented = {(m, shape(p)) for m, p, _ in HUB.operations()}
    assert {p for m, p in documented if m == "get"} == reads_of_code().keys()
    assert {(m, p) for m, p in documented if m != "get"} == writes_of_code().keys()


def test_document_names_what_may_be_asked_for():
    for path, _, _, _, query in table("web.c", "routes"):
        found = {shape(p): f for m, p, f in HUB.operations() if m == "get"}[with_hole(path)]
        told = [HUB.resolve(part) for part in found.get("parameters", [])]
        assert sorted(query.split()) == sorted(p["name"] for p in told if p["in"] == "query"), path


def test_document_names_the_roles_and_the_audit_of_the_code():
    documented = {
        (m, shape(p)): (found["x-roles"], found["x-audit"])
        for m, p, found in HUB.operations()
        if m != "get"
    }
    assert documented == writes_of_code()
    reads = {shape(p): found.get("x-roles") for m, p, found in HUB.operations() if m == "get"}
    assert reads == reads_of_code()


def test_every_reference_of_the_document_leads_somewhere():
    def walk(part):
        if isinstance(part, dict):
            if "$ref" in part:
                HUB.resolve(part)
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(HUB.document)


def test_every_operation_has_a_name_of_its_own():
    names = [found["operationId"] for _, _, found in HUB.operations()]
    assert len(names) == len(set(names))


def test_every_schema_is_used_and_draft_2020_12():
    used = set(re.findall(r'"#/components/schemas/(\w+)"', str(HUB.document).replace("'", '"')))
    assert used == HUB.document["components"]["schemas"].keys()
    for schema in HUB.document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    "method,path", [(m, p) for m, p, found in HUB.operations() if "requestBody" in found]
)
def test_example_is_valid(method, path):
    for kind, content in HUB.document["paths"][path][method]["requestBody"]["content"].items():
        if kind == "application/json":
            assert not HUB.problems(content["schema"], content["example"])
