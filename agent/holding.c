#include "agent/holding.h"
#include "hal/base/cleanup.h"

#include <stdlib.h>
#include <string.h>

enum { CORRELATION_MAX = 64 };

struct holding {
    struct holding_config config;
    size_t under_way;
    bool closed;
};

/* One question, until it is answered. */
struct holding_ask {
    struct holding *holding;
    char correlation[CORRELATION_MAX];
    size_t correlation_len;
};

enum err holding_open(struct holding **out, const struct holding_config *config,
                      struct fault *fault)
{
    struct holding *holding = calloc(1, sizeof *holding);
    if (!holding)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    holding->config = *config;
    *out = holding;
    return ERR_OK;
}

static void let_go(struct holding *holding)
{
    if (holding->closed && holding->under_way == 0)
        free(holding);
}

void holding_close(struct holding *holding)
{
    if (!holding)
        return;
    holding->closed = true;
    let_go(holding);
}

static enum err publish(const struct holding_ask *ask, const struct reserved *reserved,
                        struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, RESERVATION_BYTES_MAX);
    reserved_write(&text, reserved);
    struct mqtt_message message = {
        .payload = buf_slice(&text),
        .qos = 1,
        .content_type = "application/json",
        .correlation = {ask->correlation, ask->correlation_len},
    };
    enum err err = buf_check(&text, fault, "reserved");
    return err ? err : uplink_publish(ask->holding->config.uplink, "reserved", &message, fault);
}

/* What isn't answered is asked again. */
static void on_reserved(void *context, enum err err, const struct fault *fault,
                        const struct reserved *reserved)
{
    struct holding_ask *ask = context;
    struct holding *holding = ask->holding;
    struct fault why;
    holding->under_way--;
    if (!holding->closed && err)
        diag_fault(holding->config.diag, DIAG_WARN, "holding.not_reserved", fault);
    else if (!holding->closed && ask->correlation_len && publish(ask, reserved, &why) != ERR_OK)
        diag_fault(holding->config.diag, DIAG_INFO, "holding.not_told", &why);
    free(ask);
    let_go(holding);
}

static enum err reserve(struct holding *holding, const struct mqtt_message *message,
                        struct fault *fault)
{
    struct reservation asked;
    enum err err = reservation_read(message->payload, &asked, fault);
    if (!err && message->correlation.len > CORRELATION_MAX)
        err = fault_set(fault, ERR_INVALID, "correlation", "must have at most %d bytes",
                        CORRELATION_MAX);
    struct holding_ask *ask = err ? NULL : calloc(1, sizeof *ask);
    if (!err && !ask)
        err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (err)
        return err;
    *ask = (struct holding_ask){.holding = holding, .correlation_len = message->correlation.len};
    if (ask->correlation_len)
        memcpy(ask->correlation, message->correlation.data, ask->correlation_len);
    err = capture_reserve(holding->config.capture, &asked, ask->correlation_len == 0,
                          holding->config.loop, on_reserved, ask, fault);
    if (err)
        free(ask);
    else
        holding->under_way++;
    return err;
}

void holding_take(struct holding *holding, const struct mqtt_message *message)
{
    struct fault fault;
    if (reserve(holding, message, &fault) != ERR_OK)
        diag_fault(holding->config.diag, DIAG_WARN, "holding.unreadable", &fault);
}

void holding_describe(struct jsonw *w)
{
    jsonw_bool(w, "confirms_reservations", true);
}
