"""What the hub's dashboard asks (sync/hub/web/page), and how long a hub takes to answer it."""

import statistics
import time

FINANCE = (
    "/metrics", "/v1/reconciliation", "/v1/measures",
    "/v1/settlement-lines?state=unmatched", "/v1/settlement-lines?state=differs",
    "/v1/refunds?state=open", "/v1/batches?state=open", "/v1/settlements",
    "/v1/payments?state=failed", "/v1/payments?state=issued",
    "/v1/parked", "/v1/journal?state=ready", "/v1/exceptions", "/v1/outlets",
    "/v1/deliveries?state=parked", "/v1/journal?state=posted", "/v1/closing?month=2026-06",
)
IT = ("/v1/devices", "/v1/fleet", "/v1/rollouts")


def trails(road):
    """One return, as people look for it: by receipt, number, id, and what the ERP calls an entry."""
    refund = road.ask_hub("/v1/refunds?state=settled", "finance")["refunds"][-1]
    entry = road.ask_hub(f"/v1/journal?return={refund['return_id']}", "finance")["entries"][0]
    return {
        "trail by id": f"/v1/returns/{refund['return_id']}",
        "trail by number": f"/v1/returns/{refund['return_number']}",
        "return by receipt": f"/v1/returns?receipt={refund['receipt']}",
        "return by posted number": f"/v1/returns?posted={entry['posted_number']}",
        "trace": f"/v1/traces/{refund['return_id']}",
    }


def query_times(road, rounds=10):
    """Milliseconds, the median of some rounds, by what was asked."""
    times = {}
    asked = {path: path for path in (*FINANCE, *IT)} | trails(road)
    for name, path in asked.items():
        role = "it" if path in IT else "finance"
        took = []
        for _ in range(rounds):
            began = time.monotonic()
            road.ask_hub_text(path, role)
            took.append((time.monotonic() - began) * 1000)
        times[name] = round(statistics.median(took), 1)
    return times
