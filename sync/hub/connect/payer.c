#include "sync/hub/connect/payer.h"
#include "sync/hub/connect/connector_list.h"

#include <stdlib.h>

/*
 * How long a batch belongs to the hub that took it; after a crash it is free only then. If a batch
 * takes longer, two hubs may ask for the same payment, but under one key, which the provider
 * carries out once.
 */
enum { LEASE_MS = 60 * 1000 };

struct payer {
    struct payer_config config;
    struct courier *courier;
    struct payment payments[PAYMENT_BATCH_MAX];
    struct provider_answer answers[PAYMENT_BATCH_MAX];
    struct fault faults[PAYMENT_BATCH_MAX];
    enum err errs[PAYMENT_BATCH_MAX];
    size_t count;
    size_t carried;
    struct told told;
};

static void forget(struct payer *payer)
{
    for (size_t i = 0; i < PAYMENT_BATCH_MAX; i++)
        provider_answer_free(&payer->answers[i]);
    payer->count = 0;
    payer->carried = 0;
}

static enum err pick(void *self, struct database *db, size_t limit, int64_t now_ms, size_t *count,
                     struct fault *fault)
{
    struct payer *payer = self;
    forget(payer);
    enum err err = payment_pick(db, limit, now_ms, LEASE_MS, payer->payments, &payer->count, fault);
    *count = payer->count;
    return err;
}

static enum err carry(void *self, size_t job, struct fault *fault)
{
    struct payer *payer = self;
    payer->errs[job] = provider_refund(payer->config.provider, &payer->payments[job],
                                       &payer->answers[job], &payer->faults[job]);
    payer->carried = job + 1;
    if (payer->errs[job])
        *fault = payer->faults[job];
    return payer->errs[job];
}

static int64_t asked_pause_ms(void *self)
{
    const struct payer *payer = self;
    return provider_asked_pause_ms(payer->config.provider);
}

/* Those that were not carried are due again at once. */
static enum err record_one(struct payer *payer, struct database *db, size_t job, int64_t now_ms,
                           struct fault *fault)
{
    static const struct fault not_asked = {.code = ERR_BUSY, .text = "the provider is away"};
    if (job >= payer->carried)
        return payment_put_off(db, &payer->payments[job], 0, now_ms, &not_asked, fault);
    if (payer->errs[job])
        return payment_put_off(db, &payer->payments[job], now_ms, now_ms, &payer->faults[job],
                               fault);
    return payment_take_answer(db, &payer->answers[job].said, now_ms, &payer->told, fault);
}

static enum err record(void *self, struct database *db, int64_t now_ms, struct fault *fault)
{
    struct payer *payer = self;
    enum err err = ERR_OK;
    payer->told.count = 0;
    for (size_t i = 0; !err && i < payer->count; i++)
        err = record_one(payer, db, i, now_ms, fault);
    return err;
}

static void told(void *self)
{
    struct payer *payer = self;
    if (payer->carried && payer->config.told)
        payer->config.told(payer->config.context,
                           (const char(*)[DEVICE_ID_MAX + 1]) payer->told.devices,
                           payer->told.count);
    payer->told.count = 0;
}

static void destroy(void *self)
{
    struct payer *payer = self;
    forget(payer);
    provider_close(payer->config.provider);
    free(payer);
}

static const struct courier_ops ops = {
    .name = CONNECTOR_PAYMENT,
    .batch_max = PAYMENT_BATCH_MAX,
    .batch_bytes = sizeof(struct payer),
    .pick = pick,
    .carry = carry,
    .asked_pause_ms = asked_pause_ms,
    .record = record,
    .told = told,
    .close = destroy,
};

enum err payer_open(struct payer **out, struct loop *loop, const struct payer_config *config,
                    struct fault *fault)
{
    struct payer *payer = calloc(1, sizeof *payer);
    if (!payer) {
        provider_close(config->provider);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    payer->config = *config;
    const struct courier_config courier = {
        .ops = &ops,
        .name = PAYER_NAME,
        .self = payer,
        .worker = config->worker,
        .clock = config->clock,
        .diag = config->diag,
        .gate = config->gate,
    };
    enum err err = courier_open(&payer->courier, loop, &courier, fault);
    if (!err)
        *out = payer;
    return err;
}

void payer_close(struct payer *payer)
{
    if (payer)
        courier_close(payer->courier);
}

void payer_wake(struct payer *payer)
{
    courier_wake(payer->courier);
}

bool payer_waits(const struct payer *payer)
{
    return courier_waits(payer->courier);
}
