/* Retention: what the hub has backed up and the rules don't keep is cut off behind a checkpoint. */
#include "hal/storage.h"
#include "sync/eventlog/checkpoint.h"
#include "sync/eventlog/internal.h"
#include "sync/eventlog/record.h"

#include "hal/base/cleanup.h"

#include <stdlib.h>

/*
 * Rows deleted in one transaction: few, so that no till waits for long and that it fits a disk that
 * is nearly full. And logs that there may be.
 */
enum { CHUNK_EVENTS = 100, LOGS_MAX = 64 };

struct cut {
    struct log_row row; /* as it was when the cut was chosen */
    int64_t first_kept;
    struct sha256 before_hash;
};

struct prune {
    struct eventlog *log;
    const struct eventlog_retention *rules;
    int64_t now_ms;
    struct cut cuts[LOGS_MAX];
    size_t count;
    int64_t ordinal; /* of the last event cut */
    int64_t at_once; /* rows deleted in one step */
    int64_t pruned;
};

/* --- Choosing -------------------------------------------------------------------------------- */

/* What may still be in the way of the rules. */
struct kept {
    int64_t events;
    int64_t bytes;
};

static enum err sums(struct database *db, const struct log_row *row, struct kept *kept,
                     struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_LOG_SUMS, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log_position(row->no, row->first_kept));
    bind_int(s, 2, log_position(row->no + 1, 0) - 1);
    bool there;
    err = database_step(db, s, &there, fault);
    if (err)
        return err;
    kept->events += column_int(s, 0);
    kept->bytes += column_int(s, 1);
    statement_reset(s);
    return ERR_OK;
}

/* `unknown` for one that can't be read. */
static int64_t age_ms(const struct prune *prune, struct slice body, int64_t unknown)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, RECORD_ARENA_MAX);
    struct event event;
    return event_read(body, &arena, &event, NULL) == ERR_OK ? prune->now_ms - event.time_ms
                                                            : unknown;
}

static bool is_old(const struct prune *prune, struct slice body)
{
    return prune->rules->max_age_ms && age_ms(prune, body, 0) > prune->rules->max_age_ms;
}

static bool is_young(const struct prune *prune, struct slice body)
{
    return prune->rules->least_ms && age_ms(prune, body, INT64_MAX) < prune->rules->least_ms;
}

static bool is_over(const struct prune *prune, const struct kept *kept)
{
    const struct eventlog_retention *rules = prune->rules;
    return (rules->max_events && kept->events > rules->max_events) ||
           (rules->max_bytes && kept->bytes > rules->max_bytes);
}

static enum err is_needed(struct database *db, struct slice correlation, bool *needed,
                          struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_PARKED_NEEDS, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, correlation.data, correlation.len);
    err = database_step(db, s, needed, fault);
    if (!err)
        statement_reset(s);
    return err;
}

/* Takes the row that `s` stands on into the cut, unless something holds it here. */
static enum err choose_row(struct prune *prune, struct database *db, struct statement *s,
                           struct cut *cut, struct kept *kept, bool *ends, struct fault *fault)
{
    struct slice body = column_slice(s, 3);
    *ends = (!is_over(prune, kept) && !is_old(prune, body)) || is_young(prune, body);
    if (*ends)
        return ERR_OK;
    enum err err = is_needed(db, column_slice(s, 5), ends, fault);
    if (err || *ends)
        return err;
    if (column_bytes(s, 2, cut->before_hash.bytes, SHA256_BYTES))
        return fault_set(fault, ERR_CORRUPT, "event", "a hash has a wrong length");
    cut->first_kept = log_position_seq(column_int(s, 0)) + 1;
    if (column_int(s, 1) > prune->ordinal)
        prune->ordinal = column_int(s, 1);
    kept->events--;
    kept->bytes -= column_int(s, 4);
    prune->pruned++;
    return ERR_OK;
}

static enum err choose_in_log(struct prune *prune, struct database *db, const struct log_row *row,
                              struct kept *kept, bool *ended, struct fault *fault)
{
    struct cut *cut = &prune->cuts[prune->count];
    *cut = (struct cut){*row, row->first_kept, row->before_hash};
    struct statement *s;
    enum err err = database_statement(db, LOG_PRUNE_ROWS, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log_position(row->no, row->first_kept));
    bind_int(s, 2, log_position(row->no, row->backed_up_through));
    bool there = true;
    while (!err && there && !*ended) {
        err = database_step(db, s, &there, fault);
        if (!err && there)
            err = choose_row(prune, db, s, cut, kept, ended, fault);
    }
    statement_reset(s);
    if (!err && cut->first_kept > row->first_kept)
        prune->count++;
    return err;
}

static enum err next_of_stream(struct database *db, enum stream stream, struct log_row *row,
                               bool *found, struct fault *fault)
{
    enum err err = log_after(db, row->no, row, found, fault);
    *found = !err && *found && log_stream(row->no) == stream;
    return err;
}

/* Oldest first; a log that is not yet cut to its end holds the ones after it. */
static enum err choose_in_stream(struct prune *prune, struct database *db, enum stream stream,
                                 struct fault *fault)
{
    struct log_row row = {.no = ((int64_t)stream << 16) - 1};
    struct kept kept = {0};
    bool found = true;
    enum err err = ERR_OK;
    while (!err && found) {
        err = next_of_stream(db, stream, &row, &found, fault);
        if (!err && found)
            err = sums(db, &row, &kept, fault);
    }
    row.no = ((int64_t)stream << 16) - 1;
    found = true;
    bool ended = false;
    while (!err && !ended && prune->count < LOGS_MAX) {
        err = next_of_stream(db, stream, &row, &found, fault);
        if (err || !found)
            break;
        err = choose_in_log(prune, db, &row, &kept, &ended, fault);
    }
    return err;
}

/* --- Cutting, on the writer thread ----------------------------------------------------------- */

struct step {
    struct eventlog_command command;
    struct prune *prune;
    int64_t deleted;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ended;
    enum err err;
    struct fault *fault;
};

static void step_done(void *context, enum err err, const struct fault *fault)
{
    struct step *step = context;
    pthread_mutex_lock(&step->lock);
    step->err = err;
    if (err && step->fault)
        *step->fault = *fault;
    step->ended = true;
    pthread_cond_signal(&step->wake);
    pthread_mutex_unlock(&step->lock);
}

typedef enum err step_decide(void *context, struct eventlog_txn *txn, struct fault *fault);

static enum err run_step(struct step *step, step_decide *decide, struct prune *prune,
                         struct fault *fault)
{
    *step = (struct step){
        .command = {.decide = decide, .done = step_done, .context = step},
        .prune = prune,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .wake = PTHREAD_COND_INITIALIZER,
        .fault = fault,
    };
    eventlog_submit(prune->log, &step->command);
    pthread_mutex_lock(&step->lock);
    while (!step->ended)
        pthread_cond_wait(&step->wake, &step->lock);
    pthread_mutex_unlock(&step->lock);
    return step->err;
}

static enum err cut_log(struct eventlog *log, const struct cut *cut, struct fault *fault)
{
    struct log_row now;
    bool found;
    enum err err = log_by_id(log->db, &cut->row.id, &now, &found, fault);
    if (err)
        return err;
    if (!found || now.first_kept != cut->row.first_kept ||
        now.backed_up_through < cut->first_kept - 1)
        return fault_set(fault, ERR_BUSY, "log", "the log has changed meanwhile; prune again");
    struct statement *s;
    err = database_statement(log->db, LOG_LOG_PRUNED, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, now.no);
    bind_int(s, 2, cut->first_kept);
    bind_blob(s, 3, cut->before_hash.bytes, SHA256_BYTES);
    err = database_run(log->db, s, fault);
    struct log_row *ours = &log->state.logs[log_stream(now.no)].row;
    if (!err && ours->no == now.no) {
        ours->first_kept = cut->first_kept;
        ours->before_hash = cut->before_hash;
    }
    return err;
}

/* The cut itself: from here on the checkpoint counts, and what is before it is only rubbish. */
static enum err decide_cut(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct prune *prune = ((struct step *)context)->prune;
    struct eventlog *log = txn->log;
    enum err err = txn_will_write(txn, fault);
    for (size_t i = 0; i < prune->count && !err; i++)
        err = cut_log(log, &prune->cuts[i], fault);
    log->state.changes++;
    return err ? err : checkpoint_put(log->db, prune->ordinal, txn->now.wall_ms, fault);
}

static enum err delete_some(struct eventlog *log, const struct log_row *row, int64_t at_once,
                            int64_t *deleted, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(log->db, LOG_EVENT_PRUNE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log_position(row->no, 0));
    bind_int(s, 2, log_position(row->no, row->first_kept - 1));
    bind_int(s, 3, at_once - *deleted);
    err = database_run(log->db, s, fault);
    if (!err)
        *deleted += database_changes(log->db);
    return err;
}

/* Also what an earlier cut has left, when the deleting was cut short. */
static enum err decide_delete(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct step *step = context;
    const int64_t at_once = step->prune->at_once;
    struct log_row row = {.no = -1};
    bool found = true;
    step->deleted = 0;
    enum err err = txn_will_write(txn, fault);
    while (!err && step->deleted < at_once) {
        err = log_after(txn->log->db, row.no, &row, &found, fault);
        if (err || !found)
            break;
        err = delete_some(txn->log, &row, at_once, &step->deleted, fault);
    }
    return err;
}

static int64_t free_pages(struct database *db)
{
    struct statement *s;
    int64_t pages = 0;
    bool row;
    if (database_prepare(db, "PRAGMA freelist_count", &s, NULL) != ERR_OK)
        return 0;
    if (statement_step(s, &row, NULL) == ERR_OK && row)
        pages = column_int(s, 0);
    statement_close(s);
    return pages;
}

/* Gives pages back to the file system. */
static enum err decide_shrink(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct step *step = context;
    int64_t before = free_pages(txn->log->db);
    if (!before)
        return ERR_OK;
    enum err err = txn_will_write(txn, fault);
    struct statement *s;
    if (!err)
        err = database_statement(txn->log->db, LOG_SHRINK, &s, fault);
    bool more = true;
    while (!err && more)
        err = database_step(txn->log->db, s, &more, fault);
    step->deleted = before - free_pages(txn->log->db);
    txn->log->shrinks = true;
    return err;
}

/* The writer shortens its files after this step, and before the next. */
static enum err decide_shorten(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    (void)context;
    (void)fault;
    txn->log->shrinks = true;
    return ERR_OK;
}

static enum err decide_nothing(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    (void)context;
    (void)txn;
    (void)fault;
    return ERR_OK;
}

static enum err make_room(struct prune *prune, struct fault *fault)
{
    struct step step;
    enum err err = run_step(&step, decide_shorten, prune, fault);
    return err ? err : run_step(&step, decide_nothing, prune, fault);
}

/* What meets a full disk is tried once more in files that were shortened. */
static enum err insist(struct step *step, step_decide *decide, struct prune *prune,
                       struct fault *fault)
{
    enum err err = run_step(step, decide, prune, fault);
    if (err != ERR_DISK_FULL)
        return err;
    err = make_room(prune, fault);
    return err ? err : run_step(step, decide, prune, fault);
}

/* Repeats the step until nothing is left, in smaller steps where there is little room. */
static enum err repeat(struct prune *prune, step_decide *decide, struct fault *fault)
{
    for (;;) {
        struct step step;
        enum err err = insist(&step, decide, prune, fault);
        if (err == ERR_DISK_FULL && prune->at_once > 1)
            prune->at_once = (prune->at_once + 3) / 4;
        else if (err || step.deleted <= 0)
            return err;
    }
}

/* --- The whole ------------------------------------------------------------------------------- */

static enum err choose(struct prune *prune, struct database *db, struct fault *fault)
{
    enum err err = checkpoint_ordinal(db, &prune->ordinal, fault);
    for (int i = 0; i < STREAMS_OF_APPLIANCE && !err; i++)
        err = choose_in_stream(prune, db, (enum stream)i, fault);
    if (!err && prune->pruned)
        err = checkpoint_make(&prune->log->config, db, prune->ordinal, fault);
    return err;
}

static enum err prepare_cut(struct prune *prune, struct fault *fault)
{
    prune->count = 0;
    prune->pruned = 0;
    struct database_config config = {.path = prune->log->path,
                                     .vfs = prune->log->config.vfs,
                                     .read_only = true,
                                     .statements = log_sql,
                                     .statement_count = LOG_COUNT};
    struct database *db = NULL;
    enum err err = database_open(&db, &config, fault);
    if (!err)
        err = database_run_plain(db, LOG_BEGIN_READING, fault);
    if (!err)
        err = choose(prune, db, fault);
    database_close(db);
    return err;
}

enum err eventlog_prune(struct eventlog *log, const struct eventlog_retention *rules,
                        int64_t *pruned, struct fault *fault)
{
    struct prune *prune = calloc(1, sizeof *prune);
    if (!prune)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    prune->log = log;
    prune->rules = rules;
    prune->at_once = CHUNK_EVENTS;
    prune->now_ms = clock_wall_ms(log->config.clock);
    enum err err = prepare_cut(prune, fault);
    if (err == ERR_DISK_FULL) {
        err = make_room(prune, fault);
        if (!err)
            err = prepare_cut(prune, fault);
    }
    struct step step;
    if (!err && prune->pruned)
        err = insist(&step, decide_cut, prune, fault);
    if (!err && prune->pruned)
        err = checkpoint_tidy(log->config.folder, prune->ordinal, fault);
    if (!err)
        err = repeat(prune, decide_delete, fault);
    if (!err)
        err = repeat(prune, decide_shrink, fault);
    if (!err)
        *pruned = prune->pruned;
    free(prune);
    return err;
}
