"""What the hub tells monitoring: Prometheus' own tool reads it, and the rules that warn by it."""

import re
import subprocess

from conftest import ROOT
from test_finance import hub, refund, road, till  # noqa: F401

ALERTS = ROOT / "sync" / "hub" / "web" / "alerts.yml"
PROMTOOL = ROOT / "toolchain" / "promtool"


def promtool(*words, text=None):
    return subprocess.run(
        [PROMTOOL, *words], input=text, capture_output=True, text=True, timeout=120
    )


def metrics(hub):  # noqa: F811
    status, text = hub.ask("GET", "/metrics")
    assert status == 200
    return text


def value(text, name):
    return int(re.search(rf"^tillback_hub_{re.escape(name)} (-?\d+)$", text, re.M)[1])


def test_promtool_reads_the_metrics_and_finds_no_fault_with_names(hub):  # noqa: F811
    done = promtool("check", "metrics", text=metrics(hub))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_promtool_takes_the_alert_rules_and_each_names_a_metric_we_have(hub):  # noqa: F811
    done = promtool("check", "rules", ALERTS)
    assert done.returncode == 0, done.stdout + done.stderr
    known = set(re.findall(r"^# TYPE (\w+)", metrics(hub), re.M))
    used = set(re.findall(r"tillback_hub_\w+", ALERTS.read_text()))
    assert {re.sub(r"_bucket$", "", name) for name in used} <= known


def test_trail_is_a_trace_that_a_collector_takes(till, hub):  # noqa: F811
    answer, _ = refund(till, hub, "0042-01-m-2")
    trace = hub.get(f"/v1/traces/{answer['number']}")
    [resource] = trace["resourceSpans"]
    [scope] = resource["scopeSpans"]
    spans = scope["spans"]
    assert {span["traceId"] for span in spans} == {spans[0]["traceId"]}
    assert re.fullmatch("[0-9a-f]{32}", spans[0]["traceId"])
    assert len({span["spanId"] for span in spans}) == len(spans)
    [root] = [span for span in spans if "parentSpanId" not in span]
    names = {span["name"] for span in spans if span.get("parentSpanId") == root["spanId"]}
    assert {"return.created.v1", "refund.issued.v1", "journal accepted"} <= names
    assert all(int(s["startTimeUnixNano"]) <= int(s["endTimeUnixNano"]) for s in spans)
    assert hub.ask("GET", "/v1/traces/R-nobody")[0] == 404


def test_metrics_follow_a_refund_and_have_no_label_of_a_store(till, hub):  # noqa: F811
    before = metrics(hub)
    refund(till, hub, "0042-01-m-1")
    after = metrics(hub)
    for name, more in [
        ("refunds_expected_total", 1),
        ('refunds_unsettled_minor{currency="EUR"}', 333),
        ("return_arrival_seconds_count", 1),
        ("return_restock_seconds_count", 0),
    ]:
        had = value(before, name) if f"tillback_hub_{name} " in before else 0
        assert value(after, name) == had + more, name
    labels = {name for line in after.splitlines() for name in re.findall(r"(\w+)=\"", line)}
    assert labels <= {"le", "currency", "team", "state"}
