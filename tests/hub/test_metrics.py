"""What the hub tells monitoring: Prometheus' own tool reads it, and the rules that warn by it."""

import json
import re
import subprocess

import yaml
from conftest import ROOT
from shared import ADYEN, hub, refund, road, row, settle, till  # noqa: F401

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


def groups():
    return yaml.safe_load(ALERTS.read_text())["groups"]


def rules(kind):
    return [rule for group in groups() for rule in group["rules"] if kind in rule]


def test_promtool_takes_the_rules_and_each_names_a_metric_we_have(hub):  # noqa: F811
    done = promtool("check", "rules", ALERTS)
    assert done.returncode == 0, done.stdout + done.stderr
    known = set(re.findall(r"^# TYPE (\w+)", metrics(hub), re.M))
    used = set(re.findall(r"tillback_hub_\w+", ALERTS.read_text()))
    assert {re.sub(r"_(bucket|count)$", "", name) for name in used} <= known


# What each alert is about, on top of what a healthy hub says: series, and their values by promtool's
# notation at each of the test's steps; a step, and when the alert must have fired, both in minutes.
HOUR, DAY = 60, 24 * 60
LATE_REFUNDS = {
    f'return_settlement_seconds_bucket{{le="{le}"}}': "0+0x900" for le in (10, 60, 600, 3600, 21600, 86400)
} | {f'return_settlement_seconds_bucket{{le="{le}"}}': "0+5x900" for le in (259200, 604800, 1209600)}
LATE_REFUNDS |= {f'return_settlement_seconds_bucket{{le="{le}"}}': "0+10x900" for le in ("2592000", "+Inf")}
LATE_STOCK = {
    name.replace("settlement", "restock"): values for name, values in LATE_REFUNDS.items()
}
FIRES = {
    "TillbackHubDown": ({"up": "0x60"}, 1, 10),
    "TillbackBrokerLost": ({"broker_connected": "0x60"}, 1, 15),
    "TillbackDatabaseFails": ({"database_failing": "1x60"}, 1, 5),
    "TillbackHubDamaged": ({"database_damage": "1x60"}, 1, 5),
    "TillbackRevocationListEnds": ({"revocation_list_until_seconds": "345600x60"}, 1, 5),
    "TillbackCodesGuessed": ({"enrolments_refused_total": "0+5x120"}, 1, 90),
    "TillbackStoresSilent": ({"devices": "100x60", "devices_silent": "11x60"}, 1, 35),
    "TillbackStoresStalled": ({"devices_stalled": "1x60"}, 1, 20),
    "TillbackLogWithGap": ({"logs_with_gaps": "1x90"}, 1, 70),
    "TillbackEventsParked": ({"parked_events": "1x90"}, 1, 70),
    "TillbackLedgerBehind": ({"unbooked_events": "10001x60"}, 1, 20),
    "TillbackPostingStuck": ({"oldest_posting_age_seconds": "3540+60x60"}, 1, 20),
    "TillbackPostingsParked": ({"postings_parked": "2x90"}, 1, 70),
    "TillbackUnmatchedSettlements": (
        {"settlement_refund_lines_total": "100x200", 'settlement_lines_waiting{state="differs"}': "2x200"},
        10,
        DAY + HOUR,
    ),
    "TillbackRefundUnsettled": ({"oldest_unsettled_refund_age_seconds": "1814401x60"}, 1, 5),
    "TillbackDuplicateRefund": ({"duplicate_refunds_total": "0x30 1x60"}, 1, 40),
    "TillbackExceptionOverdue": ({'exceptions_overdue{team="finance"}': "1x90"}, 1, 70),
    "TillbackRefundsSlow": (LATE_REFUNDS, HOUR, 8 * DAY),
    "TillbackRestockSlow": (LATE_STOCK, HOUR, 8 * DAY),
    "TillbackReturnsStayOpen": (
        {"returns_accepted_total": "0+10x900", "return_completion_seconds_count": "0+2x900"},
        HOUR,
        32 * DAY,
    ),
}


def healthy(text):
    """What a scrape said, as series by name with its labels."""
    found = dict(re.findall(r"^(tillback_hub_\S+) (\S+)$", text, re.M))
    return {**found, 'up{job="tillback-hub"}': "1"}


def full_name(name):
    return 'up{job="tillback-hub"}' if name == "up" else f"tillback_hub_{name}"


def case(series, step, steps, checks):
    return {
        "interval": f"{step}m",
        "input_series": [
            {"series": name, "values": value if "x" in value else f"{value}x{steps}"}
            for name, value in series.items()
        ],
        **checks,
    }


def expect_alert(name, minutes, labels=None):
    [rule] = [rule for rule in rules("alert") if rule["alert"] == name]
    fired = {
        "exp_labels": rule["labels"] | (labels or {}),
        "exp_annotations": {
            key: text.replace("{{ $labels.team }}", "finance")
            for key, text in rule["annotations"].items()
        },
    }
    return {"alert_rule_test": [
        {"eval_time": f"{minutes}m", "alertname": name, "exp_alerts": [fired]}
    ]}


def unit_test(folder, *cases, evaluate="5m"):
    path = folder / "test.yml"
    path.write_text(json.dumps({
        "rule_files": [str(ALERTS)],
        "evaluation_interval": evaluate,
        # Else in any order: an alert that comes before the rate that it is about sees none, since
        # the one of the evaluation before is too old by then.
        "group_eval_order": [group["name"] for group in groups()],
        "tests": cases,
    }))
    done = promtool("test", "rules", path)
    return done.returncode, done.stdout + done.stderr


def test_no_alert_fires_on_what_a_healthy_hub_says(hub, tmp_path):  # noqa: F811
    quiet = [
        {"eval_time": "2880m", "alertname": rule["alert"], "exp_alerts": []} for rule in rules("alert")
    ]
    code, said = unit_test(tmp_path, case(healthy(metrics(hub)), 10, 300, {"alert_rule_test": quiet}))
    assert code == 0, said


def test_each_alert_fires_on_the_metric_that_it_is_about(hub, tmp_path):  # noqa: F811
    text = metrics(hub)
    said = healthy(text)
    known = set(re.findall(r"^# TYPE (\w+)", text, re.M)) | {"up"}
    days, minutes_only = [], []
    assert FIRES.keys() == {rule["alert"] for rule in rules("alert")}
    for name, (changed, step, minutes) in FIRES.items():
        bad = {full_name(series): values for series, values in changed.items()}
        families = {re.sub(r"(_bucket|_count)?({.*)?$", "", series) for series in bad}
        assert families <= known, name
        labels = {
            "TillbackHubDown": {"job": "tillback-hub"},
            "TillbackExceptionOverdue": {"team": "finance"},
        }.get(name)
        (days if minutes > DAY else minutes_only).append(
            case(said | bad, step, minutes // step + 1, expect_alert(name, minutes, labels))
        )
    for cases, evaluate in ((days, "1h"), (minutes_only, "5m")):
        code, why = unit_test(tmp_path, *cases, evaluate=evaluate)
        assert code == 0, why


def test_rates_are_recorded_from_what_the_hub_says(till, hub, tmp_path):  # noqa: F811
    """One refund line that fits and one that differs: half of them wait for a person."""
    for receipt, amount in (("0042-01-m-3", "3.33"), ("0042-01-m-4", "3.00")):
        refund(till, hub, receipt)
        settle(hub, ADYEN + row(receipt, amount, batch=receipt))
    said = healthy(metrics(hub))
    accepted = int(said["tillback_hub_returns_accepted_total"])
    completed = int(said["tillback_hub_return_completion_seconds_count"])
    rates = {
        "settlement_lines_unmatched": 0.5, "refunds_duplicate": 0, "returns_completed": completed / accepted,
    }
    tests = [
        {
            "expr": f"tillback_hub:{name}:ratio", "eval_time": "10m",
            "exp_samples": [{
                # A sum has no labels left, nor has its name.
                "labels": f"tillback_hub:{name}:ratio", "value": value,
            }],
        }
        for name, value in rates.items()
    ]
    code, why = unit_test(tmp_path, case(said, 1, 30, {"promql_expr_test": tests}))
    assert code == 0, why


# The messages of opentelemetry/proto/trace/v1/trace.proto in their JSON form: ids in hex, enums as
# numbers, 64 bits as text.
OTLP = {
    "TracesData": {"resourceSpans": ["ResourceSpans"]},
    "ResourceSpans": {"resource": "Resource", "scopeSpans": ["ScopeSpans"], "schemaUrl": str},
    "Resource": {"attributes": ["KeyValue"], "droppedAttributesCount": int},
    "ScopeSpans": {"scope": "Scope", "spans": ["Span"], "schemaUrl": str},
    "Scope": {"name": str, "version": str, "attributes": ["KeyValue"]},
    "Span": {
        "traceId": "[0-9a-f]{32}", "spanId": "[0-9a-f]{16}", "parentSpanId": "[0-9a-f]{16}",
        "traceState": str, "flags": int, "name": str, "kind": range(6),
        "startTimeUnixNano": "[1-9][0-9]{18}", "endTimeUnixNano": "[1-9][0-9]{18}",
        "attributes": ["KeyValue"], "droppedAttributesCount": int, "status": "Status",
    },
    "KeyValue": {"key": str, "value": "AnyValue"},
    "AnyValue": {"stringValue": str, "boolValue": bool, "intValue": "-?[0-9]+", "doubleValue": float},
    "Status": {"code": range(3), "message": str},
}


def hold_otlp(kind, value):
    if isinstance(kind, list):
        assert isinstance(value, list), value
        for item in value:
            hold_otlp(kind[0], item)
    elif isinstance(kind, range):
        assert type(value) is int and value in kind, value
    elif isinstance(kind, type):
        assert type(value) is kind, value
    elif kind in OTLP:
        assert value.keys() <= OTLP[kind].keys(), (kind, value)
        assert kind != "AnyValue" or len(value) == 1, value
        for name, member in value.items():
            hold_otlp(OTLP[kind][name], member)
    else:
        assert re.fullmatch(kind, value), (kind, value)


def test_trail_is_a_trace_that_a_collector_takes(till, hub):  # noqa: F811
    answer, _ = refund(till, hub, "0042-01-m-2")
    trace = hub.get(f"/v1/traces/{answer['number']}")
    hold_otlp("TracesData", trace)
    [resource] = trace["resourceSpans"]
    assert "service.name" in [pair["key"] for pair in resource["resource"]["attributes"]]
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
        ("devices_online", 0),
        ("torn_ends", 0),
    ]:
        had = value(before, name) if f"tillback_hub_{name} " in before else 0
        assert value(after, name) == had + more, name
    assert (value(after, "devices_online"), value(after, "devices_silent")) == (1, 0)
    labels = {name for line in after.splitlines() for name in re.findall(r"(\w+)=\"", line)}
    assert labels <= {"le", "currency", "team", "state", "age", "connector"}
