#include "sync/hub/connect/gate.h"
#include "hal/base/random.h"

enum { RETRY_LEAST_MS = 1000, RETRY_MOST_MS = 300000, DOUBLINGS_MAX = 16, MINUTE_MS = 60000 };

void gate_init(struct gate *gate, const struct gate_config *config)
{
    *gate = (struct gate){.config = *config};
    if (!gate->config.retry_least_ms)
        gate->config.retry_least_ms = RETRY_LEAST_MS;
    if (!gate->config.retry_most_ms)
        gate->config.retry_most_ms = RETRY_MOST_MS;
}

static int64_t left_in_minute(const struct gate *gate, int64_t now_ms)
{
    if (!gate->config.most_a_minute || now_ms - gate->minute_ms >= MINUTE_MS)
        return gate->config.most_a_minute;
    return gate->config.most_a_minute - gate->in_minute;
}

size_t gate_let(const struct gate *gate, size_t wanted, int64_t now_ms)
{
    if (now_ms < gate->closed_till)
        return 0;
    size_t may = gate->failures && wanted > 1 ? 1 : wanted;
    int64_t left = left_in_minute(gate, now_ms);
    if (gate->config.most_a_minute && left < (int64_t)may)
        may = left > 0 ? (size_t)left : 0;
    return may;
}

static int64_t pause_ms(const struct gate *gate)
{
    uint32_t dice;
    unsigned doublings = gate->failures < DOUBLINGS_MAX ? gate->failures : DOUBLINGS_MAX;
    int64_t pause = gate->config.retry_least_ms << (doublings - 1);
    if (pause > gate->config.retry_most_ms)
        pause = gate->config.retry_most_ms;
    random_fill(NULL, (uint8_t *)&dice, sizeof dice);
    return pause / 2 + (int64_t)(dice % (uint32_t)(pause / 2 + 1));
}

void gate_tried(struct gate *gate, size_t count, bool failed, int64_t now_ms)
{
    if (now_ms - gate->minute_ms >= MINUTE_MS) {
        gate->minute_ms = now_ms;
        gate->in_minute = 0;
    }
    gate->in_minute += (int64_t)count;
    gate->failures = failed ? gate->failures + 1 : 0;
    gate->closed_till = failed ? now_ms + pause_ms(gate) : 0;
}

void gate_hold(struct gate *gate, int64_t pause_ms, int64_t now_ms)
{
    if (now_ms + pause_ms > gate->closed_till)
        gate->closed_till = now_ms + pause_ms;
}

int64_t gate_wait_ms(const struct gate *gate, int64_t now_ms)
{
    int64_t till = gate->closed_till;
    bool spent = gate->config.most_a_minute && left_in_minute(gate, now_ms) <= 0;
    if (spent && gate->minute_ms + MINUTE_MS > till)
        till = gate->minute_ms + MINUTE_MS;
    return till > now_ms ? till - now_ms : 0;
}
