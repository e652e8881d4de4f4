/* Returns whose tracks have all closed are told to be complete, by a command of our own. */
#include "agent/capture/release.h"
#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"

enum { SWEEP_MAX = 100, DATA_MAX = 1024 };

struct due {
    struct return_state returns[SWEEP_MAX];
    size_t count;
};

static enum err take(void *context, const struct return_state *state, struct fault *fault)
{
    (void)fault;
    struct due *due = context;
    due->returns[due->count++] = *state;
    return ERR_OK;
}

static enum err complete(struct capture_job *job, struct eventlog_txn *txn,
                         const struct return_state *state, struct fault *fault)
{
    struct clock_reading now = eventlog_txn_now(txn);
    struct facts facts = {.now_ms = now.wall_ms,
                          .utc_offset_minutes = utc_offset_minutes(now.wall_ms)};
    char day[BUSINESS_DATE_TEXT + 1];
    business_date(day, &facts);
    struct buf data CLEANUP(buf_free);
    buf_init(&data, DATA_MAX);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "business_date", day);
    jsonw_text(&w, "goods", goods_words[state->tracks.goods]);
    jsonw_text(&w, "money", money_words[state->tracks.money]);
    jsonw_text(&w, "posting", posting_words[state->tracks.posting]);
    jsonw_end(&w);
    enum err err = buf_check(&data, fault, "return");
    struct release release = {.job = job, .txn = txn, .id = state->id, .sequence = state->sequence};
    return err ? err : release_append(&release, EVENT_RETURN_COMPLETED, buf_slice(&data), fault);
}

static void look_again(struct capture *capture)
{
    if (capture->config.due)
        __atomic_store_n(capture->config.due, true, __ATOMIC_RELEASE);
}

/* Writer thread. */
static enum err decide(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct capture_job job = {.capture = context, .traceparent = {"", 0}};
    struct views views = views_of_txn(txn);
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, 2 * sizeof(struct due));
    struct due *due = arena_alloc(&arena, 1, sizeof *due);
    if (!due)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err =
        return_view_due(&views, job.capture->config.store.number, SWEEP_MAX, take, due, fault);
    for (size_t i = 0; i < due->count && !err; i++)
        err = complete(&job, txn, &due->returns[i], fault);
    if (due->count == SWEEP_MAX)
        look_again(job.capture);
    return err;
}

/* What failed is found again after the next commit. */
static void done(void *context, enum err err, const struct fault *fault)
{
    (void)fault;
    struct capture *capture = context;
    if (err)
        look_again(capture);
    __atomic_store_n(&capture->sweeping, false, __ATOMIC_RELEASE);
}

void capture_sweep(struct capture *capture)
{
    bool *due = capture->config.due;
    if (__atomic_load_n(&capture->sweeping, __ATOMIC_ACQUIRE))
        return;
    if (due && !__atomic_exchange_n(due, false, __ATOMIC_ACQUIRE))
        return;
    __atomic_store_n(&capture->sweeping, true, __ATOMIC_RELAXED);
    capture->sweep = (struct eventlog_command){.decide = decide, .done = done, .context = capture};
    eventlog_submit(capture->config.log, &capture->sweep);
}
