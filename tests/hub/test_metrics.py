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
