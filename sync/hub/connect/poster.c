#include "sync/hub/connect/poster.h"
#include "hal/base/random.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

enum { RETRY_LEAST_MS = 1000, RETRY_MOST_MS = 300000, DOUBLINGS_MAX = 16 };

/* Where the one batch is. */
enum stage { IDLE, PICKING, POSTING, RECORDING };

struct poster {
    struct work work;
    struct loop *loop;
    struct poster_config config;
    struct loop_timer *timer; /* to the next try */
    struct poster_counters counters;
    struct posting_batch batch;
    enum stage stage;
    bool again;
    bool closed;
    unsigned failures; /* tries one after the other that could be tried again */
    int64_t retry_ms;

    pthread_t thread;
    pthread_mutex_t lock; /* guards all below; the batch is the thread's while handed over */
    pthread_cond_t wake;
    bool handed_over;
    bool stopping;
};

static void begin(struct poster *poster);

static struct poster *poster_of(struct work *work)
{
    return (struct poster *)((char *)work - offsetof(struct poster, work));
}

static void destroy(struct poster *poster)
{
    posting_batch_free(&poster->batch);
    pthread_cond_destroy(&poster->wake);
    pthread_mutex_destroy(&poster->lock);
    free(poster);
}

static bool may_retry(enum err err)
{
    return err != ERR_OK && err_class(err) != ERR_CLASS_PARK;
}

/* --- Waiting --------------------------------------------------------------------------------- */

/* Longer from failure to failure, and never the same for two hubs. */
static int64_t pause_ms(const struct poster *poster)
{
    uint32_t random;
    unsigned doublings = poster->failures < DOUBLINGS_MAX ? poster->failures : DOUBLINGS_MAX;
    int64_t pause = poster->config.retry_least_ms << (doublings ? doublings - 1 : 0);
    if (pause > poster->config.retry_most_ms)
        pause = poster->config.retry_most_ms;
    random_fill(NULL, (uint8_t *)&random, sizeof random);
    return pause / 2 + (int64_t)(random % (uint32_t)(pause / 2 + 1));
}

static void rest(struct poster *poster)
{
    poster->stage = IDLE;
    posting_batch_free(&poster->batch);
    if (poster->failures)
        loop_timer_start(poster->timer, poster->retry_ms, 0);
    else if (poster->again)
        begin(poster);
}

static void on_timer(void *context)
{
    struct poster *poster = context;
    if (poster->stage == IDLE)
        begin(poster);
}

/* --- Recording ------------------------------------------------------------------------------- */

static enum err run_record(struct work *work, struct database *db, struct fault *fault)
{
    struct poster *poster = poster_of(work);
    int64_t now_ms = clock_wall_ms(poster->config.clock);
    return posting_record(db, poster->config.connector.ops->name, now_ms, now_ms, &poster->batch,
                          fault);
}

static void count_batch(struct poster *poster)
{
    for (size_t i = 0; i < poster->batch.count; i++) {
        const struct posting *posting = &poster->batch.items[i];
        if (!posting->tried)
            continue;
        poster->counters.posted += posting->err == ERR_OK;
        poster->counters.parked += err_class(posting->err) == ERR_CLASS_PARK;
        poster->counters.retried += may_retry(posting->err);
    }
}

static void tell(struct poster *poster)
{
    if (poster->batch.device_count && poster->config.told)
        poster->config.told(poster->config.context,
                            (const char(*)[DEVICE_ID_MAX + 1]) poster->batch.devices,
                            poster->batch.device_count);
}

/* What was posted and not recorded is found there when it is tried again. */
static void fail(struct poster *poster, const struct fault *fault)
{
    diag_fault(poster->config.diag, DIAG_ERROR, "hub.posting_failed", fault);
    poster->failures++;
    poster->retry_ms = pause_ms(poster);
    rest(poster);
}

static void record_done(struct work *work, enum err err, const struct fault *fault)
{
    struct poster *poster = poster_of(work);
    if (poster->closed) {
        destroy(poster);
        return;
    }
    if (err) {
        fail(poster, fault);
        return;
    }
    count_batch(poster);
    tell(poster);
    poster->again = true;
    rest(poster);
}

static void submit(struct poster *poster)
{
    struct fault fault;
    if (worker_submit(poster->config.worker, &poster->work) == ERR_OK)
        return;
    (void)fault_set(&fault, ERR_BUSY, "posting", "the database doesn't keep up");
    fail(poster, &fault);
}

/* --- Posting, on the connector's thread ------------------------------------------------------ */

static void posted(void *context)
{
    struct poster *poster = context;
    const struct posting *bad = NULL;
    if (poster->closed) {
        destroy(poster);
        return;
    }
    for (size_t i = 0; i < poster->batch.count; i++)
        if (poster->batch.items[i].tried && may_retry(poster->batch.items[i].err))
            bad = &poster->batch.items[i];
    if (bad && !poster->failures)
        diag_fault(poster->config.diag, DIAG_WARN, "hub.posting_waits", &bad->why);
    poster->failures = bad ? poster->failures + 1 : 0;
    poster->counters.waiting = bad != NULL;
    poster->retry_ms = pause_ms(poster);
    poster->stage = RECORDING;
    poster->work =
        (struct work){.run = run_record, .done = record_done, .bytes = sizeof poster->batch};
    submit(poster);
}

/* The first that may be tried again ends the batch: the others would fare no better. */
static void post_batch(struct poster *poster)
{
    const struct connector *connector = &poster->config.connector;
    bool reachable = true;
    for (size_t i = 0; reachable && i < poster->batch.count; i++) {
        struct posting *posting = &poster->batch.items[i];
        posting->err = connector->ops->post(connector->self, &posting->entry, posting->day,
                                            &posting->posted, &posting->why);
        posting->tried = true;
        reachable = !may_retry(posting->err);
    }
}

static void *serve(void *context)
{
    struct poster *poster = context;
    pthread_mutex_lock(&poster->lock);
    while (!poster->stopping) {
        if (!poster->handed_over) {
            pthread_cond_wait(&poster->wake, &poster->lock);
            continue;
        }
        pthread_mutex_unlock(&poster->lock);
        post_batch(poster);
        pthread_mutex_lock(&poster->lock);
        poster->handed_over = false;
        if (loop_post(poster->loop, posted, poster) != ERR_OK)
            diag_write(poster->config.diag, DIAG_ERROR, "hub.posting_lost", "out of memory");
    }
    pthread_mutex_unlock(&poster->lock);
    return NULL;
}

/* --- Picking --------------------------------------------------------------------------------- */

static enum err run_pick(struct work *work, struct database *db, struct fault *fault)
{
    struct poster *poster = poster_of(work);
    posting_batch_free(&poster->batch);
    posting_batch_init(&poster->batch);
    return posting_pick(db, poster->config.books, poster->config.connector.ops->name,
                        poster->failures ? 1 : POSTING_BATCH_MAX,
                        clock_wall_ms(poster->config.clock), &poster->batch, fault);
}

static void hand_over(struct poster *poster)
{
    poster->stage = POSTING;
    pthread_mutex_lock(&poster->lock);
    poster->handed_over = true;
    pthread_cond_signal(&poster->wake);
    pthread_mutex_unlock(&poster->lock);
}

static void pick_done(struct work *work, enum err err, const struct fault *fault)
{
    struct poster *poster = poster_of(work);
    if (poster->closed) {
        destroy(poster);
        return;
    }
    if (err) {
        fail(poster, fault);
        return;
    }
    poster->counters.parked += (int64_t)poster->batch.parked;
    tell(poster);
    poster->batch.device_count = 0;
    if (poster->batch.count) {
        hand_over(poster);
        return;
    }
    poster->failures = 0;
    poster->counters.waiting = false;
    poster->again = poster->again || poster->batch.parked;
    rest(poster);
}

static void begin(struct poster *poster)
{
    poster->again = false;
    poster->stage = PICKING;
    poster->work = (struct work){.run = run_pick, .done = pick_done, .bytes = sizeof poster->batch};
    submit(poster);
}

/* --- Life ------------------------------------------------------------------------------------ */

static enum err start(struct poster *poster, struct fault *fault)
{
    poster->timer = loop_timer_open(poster->loop, on_timer, poster);
    if (!poster->timer)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    int error = pthread_create(&poster->thread, NULL, serve, poster);
    return error ? fault_errno(fault, error, "", "start the connector's thread") : ERR_OK;
}

enum err poster_open(struct poster **out, struct loop *loop, const struct poster_config *config,
                     struct fault *fault)
{
    struct poster *poster = calloc(1, sizeof *poster);
    if (!poster) {
        config->connector.ops->close(config->connector.self);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    poster->loop = loop;
    poster->config = *config;
    if (!poster->config.retry_least_ms)
        poster->config.retry_least_ms = RETRY_LEAST_MS;
    if (!poster->config.retry_most_ms)
        poster->config.retry_most_ms = RETRY_MOST_MS;
    pthread_mutex_init(&poster->lock, NULL);
    pthread_cond_init(&poster->wake, NULL);
    enum err err = start(poster, fault);
    if (err) {
        config->connector.ops->close(config->connector.self);
        loop_timer_close(poster->timer);
        destroy(poster);
        return err;
    }
    *out = poster;
    return ERR_OK;
}

void poster_close(struct poster *poster)
{
    if (!poster)
        return;
    pthread_mutex_lock(&poster->lock);
    poster->stopping = true;
    pthread_cond_signal(&poster->wake);
    pthread_mutex_unlock(&poster->lock);
    pthread_join(poster->thread, NULL);
    loop_timer_close(poster->timer);
    poster->config.connector.ops->close(poster->config.connector.self);
    poster->closed = true;
    /* A batch that the thread had begun is posted to the loop; one that it hadn't is nobody's. */
    if (poster->stage == IDLE || (poster->stage == POSTING && poster->handed_over))
        destroy(poster);
}

void poster_wake(struct poster *poster)
{
    if (poster->stage != IDLE)
        poster->again = true;
    else if (!poster->failures)
        begin(poster);
}

struct poster_counters poster_count(const struct poster *poster)
{
    return poster->counters;
}
