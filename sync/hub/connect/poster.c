#include "sync/hub/connect/poster.h"
#include "sync/hub/connect/connector_list.h"

#include <stdlib.h>

struct poster {
    struct poster_config config;
    struct courier *courier;
    struct poster_counters counters;
    struct posting_round round;
    struct posting_batch batch;
};

static enum err pick(void *self, struct database *db, size_t limit, int64_t now_ms, size_t *count,
                     struct fault *fault)
{
    struct poster *poster = self;
    posting_batch_free(&poster->batch);
    posting_batch_init(&poster->batch);
    enum err err = posting_pick(db, &poster->round, limit, now_ms, &poster->batch, fault);
    *count = poster->batch.count;
    return err;
}

static enum err carry(void *self, size_t job, struct fault *fault)
{
    struct poster *poster = self;
    const struct connector *connector = &poster->config.connector;
    struct posting *posting = &poster->batch.items[job];
    const struct post_order order = {
        .entry = &posting->entry,
        .day = posting->day,
        .may_move = posting->may_move,
        .document = posting->document.count ? &posting->document : NULL,
    };
    posting->err = connector->ops->post(connector->self, &order, &posting->posted, &posting->why);
    posting->tried = true;
    if (posting->err)
        (void)fault_set(fault, posting->err, poster->config.name, "%s%s%s", posting->why.where,
                        *posting->why.where ? ": " : "", posting->why.text);
    return posting->err;
}

static enum err record(void *self, struct database *db, int64_t now_ms, struct fault *fault)
{
    struct poster *poster = self;
    poster->batch.device_count = 0;
    return posting_record(db, poster->config.name, now_ms, now_ms, &poster->batch, fault);
}

/* How many were tried. */
static size_t count_batch(struct poster *poster)
{
    size_t tried = 0;
    for (size_t i = 0; i < poster->batch.count; i++) {
        const struct posting *posting = &poster->batch.items[i];
        bool parked = err_class(posting->err) == ERR_CLASS_PARK;
        if (!posting->tried)
            continue;
        tried++;
        poster->counters.posted += posting->err == ERR_OK;
        poster->counters.parked += parked;
        poster->counters.retried += posting->err && !parked;
    }
    return tried;
}

static void told(void *self)
{
    struct poster *poster = self;
    struct posting_batch *batch = &poster->batch;
    size_t recorded = count_batch(poster) + batch->parked;
    poster->counters.parked += (int64_t)batch->parked;
    if (recorded && poster->config.told)
        poster->config.told(poster->config.context,
                            (const char(*)[DEVICE_ID_MAX + 1]) batch->devices, batch->device_count);
    /* Parked entries took places in the batch: others may be ready too. */
    if (batch->parked)
        courier_wake(poster->courier);
    batch->parked = 0;
    batch->device_count = 0;
}

static void destroy(void *self)
{
    struct poster *poster = self;
    poster->config.connector.ops->close(poster->config.connector.self);
    posting_batch_free(&poster->batch);
    free(poster);
}

static const struct courier_ops ops = {
    .name = CONNECTOR_POSTING,
    .batch_max = POSTING_BATCH_MAX,
    .batch_bytes = sizeof(struct posting_batch),
    .pick = pick,
    .carry = carry,
    .record = record,
    .told = told,
    .close = destroy,
};

enum err poster_open(struct poster **out, struct loop *loop, const struct poster_config *config,
                     struct fault *fault)
{
    struct poster *poster = calloc(1, sizeof *poster);
    if (!poster) {
        config->connector.ops->close(config->connector.self);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    poster->config = *config;
    poster->round = (struct posting_round){.books = config->books,
                                           .connector = &poster->config.connector,
                                           .name = config->name,
                                           .share = config->share};
    const struct courier_config courier = {
        .ops = &ops,
        .name = config->name,
        .self = poster,
        .worker = config->worker,
        .clock = config->clock,
        .diag = config->diag,
        .gate = config->gate,
    };
    enum err err = courier_open(&poster->courier, loop, &courier, fault);
    if (!err)
        *out = poster;
    return err;
}

void poster_close(struct poster *poster)
{
    if (poster)
        courier_close(poster->courier);
}

void poster_wake(struct poster *poster)
{
    courier_wake(poster->courier);
}

struct poster_counters poster_count(const struct poster *poster)
{
    struct poster_counters counters = poster->counters;
    counters.waiting = courier_waits(poster->courier);
    return counters;
}
