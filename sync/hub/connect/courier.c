#include "sync/hub/connect/courier.h"
#include "sync/hub/connect/connector_list.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

/* Without being woken: what another hub has booked may be ours to carry. */
enum { ELSEWHERE_MS = 2000, LOOK_MS = 5000 };

/* Where the one batch is. */
enum stage { IDLE, PICKING, CARRYING, RECORDING };

struct courier {
    struct work work;
    struct loop *loop;
    struct courier_config config;
    struct loop_timer *timer; /* to the next try or look */
    struct gate gate;
    enum stage stage;
    size_t count;   /* jobs in the batch */
    size_t carried; /* of them */
    bool elsewhere; /* another hub carries */
    bool again;
    bool closed;

    pthread_t thread;
    pthread_mutex_t lock; /* guards all below; the batch is the thread's while handed over */
    pthread_cond_t wake;
    struct fault why; /* the last job of the batch is to be tried again */
    bool failed;
    int64_t asked_pause_ms; /* then: by the other side */
    bool handed_over;
    bool stopping;
};

static void begin(struct courier *courier);

static struct courier *courier_of(struct work *work)
{
    return (struct courier *)((char *)work - offsetof(struct courier, work));
}

static int64_t now_ms(const struct courier *courier)
{
    return clock_monotonic_ms(courier->config.clock);
}

static void destroy(struct courier *courier)
{
    courier->config.ops->close(courier->config.self);
    pthread_cond_destroy(&courier->wake);
    pthread_mutex_destroy(&courier->lock);
    free(courier);
}

/* --- Waiting --------------------------------------------------------------------------------- */

static void rest(struct courier *courier)
{
    int64_t pause_ms =
        courier->elsewhere ? ELSEWHERE_MS : gate_wait_ms(&courier->gate, now_ms(courier));
    courier->stage = IDLE;
    if (pause_ms)
        loop_timer_start(courier->timer, pause_ms, 0);
    else if (courier->again)
        begin(courier);
    else
        loop_timer_start(courier->timer, LOOK_MS, 0);
}

static void on_timer(void *context)
{
    struct courier *courier = context;
    if (courier->stage == IDLE)
        begin(courier);
}

/* What was carried and not recorded is found there when it is tried again. */
static void fail(struct courier *courier, const struct fault *fault)
{
    diag_fault(courier->config.diag, DIAG_ERROR, "hub.carrying_failed", fault);
    gate_tried(&courier->gate, 0, true, now_ms(courier));
    rest(courier);
}

static void submit(struct courier *courier, enum stage stage,
                   enum err (*run)(struct work *, struct database *, struct fault *),
                   void (*done)(struct work *, enum err, const struct fault *))
{
    struct fault fault;
    courier->stage = stage;
    courier->work = (struct work){
        .run = run,
        .done = done,
        .bytes = courier->config.ops->batch_bytes,
        .patient = true,
    };
    if (worker_submit(courier->config.worker, &courier->work) == ERR_OK)
        return;
    (void)fault_set(&fault, ERR_BUSY, courier->config.ops->name, "the database doesn't keep up");
    fail(courier, &fault);
}

/* --- Recording ------------------------------------------------------------------------------- */

static enum err run_record(struct work *work, struct database *db, struct fault *fault)
{
    struct courier *courier = courier_of(work);
    const struct courier_config *config = &courier->config;
    int64_t wall_ms = clock_wall_ms(config->clock);
    const struct connector_trial trial = {
        .kind = config->ops->name,
        .name = config->name,
        .now_ms = wall_ms,
        .failures = courier->gate.failures,
        .next_ms = wall_ms + gate_wait_ms(&courier->gate, now_ms(courier)),
        .why = &courier->why,
    };
    enum err err = config->ops->record(config->self, db, wall_ms, fault);
    return err ? err : connector_list_note(db, &trial, fault);
}

static void record_done(struct work *work, enum err err, const struct fault *fault)
{
    struct courier *courier = courier_of(work);
    if (courier->closed) {
        destroy(courier);
        return;
    }
    if (err) {
        fail(courier, fault);
        return;
    }
    courier->config.ops->told(courier->config.self);
    courier->again = true;
    rest(courier);
}

/* --- Carrying, on the courier's thread ------------------------------------------------------- */

static void carried(void *context)
{
    struct courier *courier = context;
    if (courier->closed) {
        destroy(courier);
        return;
    }
    if (courier->failed && !courier->gate.failures)
        diag_fault(courier->config.diag, DIAG_WARN, "hub.carrying_waits", &courier->why);
    gate_tried(&courier->gate, courier->carried, courier->failed, now_ms(courier));
    gate_hold(&courier->gate, courier->asked_pause_ms, now_ms(courier));
    submit(courier, RECORDING, run_record, record_done);
}

/* The first that may be tried again ends the batch: the others would fare no better. */
static void carry_batch(struct courier *courier)
{
    const struct courier_ops *ops = courier->config.ops;
    courier->failed = false;
    courier->carried = 0;
    while (!courier->failed && courier->carried < courier->count) {
        enum err err = ops->carry(courier->config.self, courier->carried++, &courier->why);
        courier->failed = err && err_class(err) != ERR_CLASS_PARK;
    }
    courier->asked_pause_ms =
        courier->failed && ops->asked_pause_ms ? ops->asked_pause_ms(courier->config.self) : 0;
}

static void *serve(void *context)
{
    struct courier *courier = context;
    pthread_mutex_lock(&courier->lock);
    while (!courier->stopping) {
        if (!courier->handed_over) {
            pthread_cond_wait(&courier->wake, &courier->lock);
            continue;
        }
        pthread_mutex_unlock(&courier->lock);
        carry_batch(courier);
        pthread_mutex_lock(&courier->lock);
        courier->handed_over = false;
        if (loop_post(courier->loop, carried, courier) != ERR_OK)
            diag_write(courier->config.diag, DIAG_ERROR, "hub.carrying_lost", "out of memory");
    }
    pthread_mutex_unlock(&courier->lock);
    return NULL;
}

/* --- Picking --------------------------------------------------------------------------------- */

static enum err run_pick(struct work *work, struct database *db, struct fault *fault)
{
    struct courier *courier = courier_of(work);
    const struct courier_ops *ops = courier->config.ops;
    size_t limit = gate_let(&courier->gate, ops->batch_max, now_ms(courier));
    bool leads = false;
    courier->count = 0;
    enum err err = database_lead(db, ops->name, &leads, fault);
    courier->elsewhere = !leads;
    if (err || !leads)
        return err;
    return ops->pick(courier->config.self, db, limit, clock_wall_ms(courier->config.clock),
                     &courier->count, fault);
}

static void hand_over(struct courier *courier)
{
    courier->stage = CARRYING;
    pthread_mutex_lock(&courier->lock);
    courier->handed_over = true;
    pthread_cond_signal(&courier->wake);
    pthread_mutex_unlock(&courier->lock);
}

static void pick_done(struct work *work, enum err err, const struct fault *fault)
{
    struct courier *courier = courier_of(work);
    if (courier->closed) {
        destroy(courier);
        return;
    }
    if (err) {
        fail(courier, fault);
        return;
    }
    if (!courier->elsewhere)
        courier->config.ops->told(courier->config.self);
    if (courier->count) {
        hand_over(courier);
        return;
    }
    gate_tried(&courier->gate, 0, false, now_ms(courier));
    rest(courier);
}

static void begin(struct courier *courier)
{
    courier->again = false;
    submit(courier, PICKING, run_pick, pick_done);
}

/* --- Life ------------------------------------------------------------------------------------ */

static enum err start(struct courier *courier, struct fault *fault)
{
    courier->timer = loop_timer_open(courier->loop, on_timer, courier);
    if (!courier->timer)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    int error = pthread_create(&courier->thread, NULL, serve, courier);
    return error ? fault_errno(fault, error, "", "start the courier's thread") : ERR_OK;
}

enum err courier_open(struct courier **out, struct loop *loop, const struct courier_config *config,
                      struct fault *fault)
{
    struct courier *courier = calloc(1, sizeof *courier);
    if (!courier) {
        config->ops->close(config->self);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    courier->loop = loop;
    courier->config = *config;
    gate_init(&courier->gate, &config->gate);
    pthread_mutex_init(&courier->lock, NULL);
    pthread_cond_init(&courier->wake, NULL);
    enum err err = start(courier, fault);
    if (err) {
        loop_timer_close(courier->timer);
        destroy(courier);
        return err;
    }
    *out = courier;
    return ERR_OK;
}

void courier_close(struct courier *courier)
{
    if (!courier)
        return;
    pthread_mutex_lock(&courier->lock);
    courier->stopping = true;
    pthread_cond_signal(&courier->wake);
    pthread_mutex_unlock(&courier->lock);
    pthread_join(courier->thread, NULL);
    loop_timer_close(courier->timer);
    courier->closed = true;
    /*
     * A batch that the thread has begun still comes back through the loop, which then frees all
     * this; one that it has not begun never will.
     */
    if (courier->stage == IDLE || (courier->stage == CARRYING && courier->handed_over))
        destroy(courier);
}

void courier_wake(struct courier *courier)
{
    if (courier->stage != IDLE)
        courier->again = true;
    else if (!gate_wait_ms(&courier->gate, now_ms(courier)))
        begin(courier);
}

bool courier_waits(const struct courier *courier)
{
    return courier->gate.failures > 0;
}
