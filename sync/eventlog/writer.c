/*
 * The writer thread: takes what waits, decides it in one transaction, commits, writes the head
 * file, answers, has the head file synced.
 *
 * Answers wait for the commit's own sync, not for the head file's, which is there for a tail that
 * is lost although it was synced. What that gives up: when the power goes in the moment between the
 * two, and the disk besides loses what it had synced, nobody notices that the last group is gone. A
 * disk that only says that it has synced would lose the head file's newest write, too. The next
 * group is committed meanwhile, but its answers wait for the head file's sync, so that it is never
 * more than one group behind what was answered.
 *
 * A savepoint costs a copy of each page that its command changes, and is hardly ever gone back to.
 * So there is none at first; when a command fails that has written, the whole transaction is undone
 * and its group decided once more, then with a savepoint for each command that writes.
 */
#include "hal/base/cleanup.h"
#include "sync/eventlog/internal.h"
#include "sync/eventlog/record.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A group is closed at this many, so that the first of a flood is not kept waiting for the last. */
enum { GROUP_MAX = 512, RETRY_FIRST_MS = 100, RETRY_MAX_MS = 5000, LOOK_FOR_SPACE_S = 1 };

/* What a command will be told. Only failures have a fault; NULL if there was no memory for it. */
struct outcome {
    struct eventlog_command *command;
    enum err err;
    struct fault *fault;
};

struct group {
    struct outcome outcomes[GROUP_MAX];
    size_t count;
};

static void outcome_set(struct outcome *outcome, enum err err, const struct fault *fault)
{
    outcome->err = err;
    if (!err)
        return;
    if (!outcome->fault)
        outcome->fault = malloc(sizeof *outcome->fault);
    if (outcome->fault)
        *outcome->fault = *fault;
}

static void outcome_tell(struct outcome *outcome)
{
    struct fault plain = {.code = outcome->err};
    struct fault *fault = outcome->fault;
    outcome->command->done(outcome->command->context, outcome->err, fault ? fault : &plain);
    free(fault);
}

/* --- One command ----------------------------------------------------------------------------- */

static enum err replay_row(struct eventlog_txn *txn, struct statement *row, struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, RECORD_ARENA_MAX);
    struct eventlog_record first;
    enum err err = record_read(row, &arena, &first, fault);
    if (err)
        return err;
    if (!slice_equal(first.event.request_hash, txn->command->request_hash) &&
        !slice_equal(first.event.request_hash, txn->command->request_hash_also))
        return fault_set(fault, ERR_CONFLICT, "Idempotency-Key",
                         "this key was used before with another request");
    return txn->command->replay(txn->command->context, txn, &first, fault);
}

/* *known: the key was used before, and the answer is what was answered then. */
static enum err replay_known(struct eventlog_txn *txn, bool *known, struct fault *fault)
{
    *known = false;
    if (!txn->command->key.len)
        return ERR_OK;
    struct database *db = txn->log->db;
    struct statement *s;
    enum err err = database_statement(db, LOG_EVENT_BY_KEY, &s, fault);
    if (err)
        return err;
    bind_slice(s, 1, txn->command->key);
    err = database_step(db, s, known, fault);
    if (!err && *known)
        err = replay_row(txn, s, fault);
    statement_reset(s);
    return err;
}

static enum err end_savepoint(struct eventlog_txn *txn, enum err decided, struct fault *fault)
{
    struct database *db = txn->log->db;
    struct fault ending;
    if (decided)
        txn->log->state = txn->before;
    if (!txn->saves || !txn->wrote || sqlite3_get_autocommit(database_handle(db)))
        return decided;
    enum err err = ERR_OK;
    if (decided)
        err = database_run_plain(db, LOG_SAVEPOINT_ROLLBACK, &ending);
    if (!err)
        err = database_run_plain(db, LOG_SAVEPOINT_RELEASE, &ending);
    if (!err)
        return decided;
    database_rollback(db); /* a savepoint that can't be ended spoils the group */
    txn->log->state = txn->before;
    if (fault)
        *fault = ending;
    return err;
}

/* *spoilt: it failed, and what it wrote is still there. */
static enum err decide(struct eventlog *log, struct eventlog_command *command, bool saves,
                       bool *spoilt, struct fault *fault)
{
    struct eventlog_txn txn = {
        .log = log,
        .command = command,
        .saves = saves,
        .now = clock_read(log->config.clock),
        .before = log->state,
    };
    bool known;
    enum err err = replay_known(&txn, &known, fault);
    if (!err && !known)
        err = command->decide(command->context, &txn, fault);
    *spoilt = err && txn.wrote && !saves;
    return end_savepoint(&txn, err, fault);
}

/* --- One group ------------------------------------------------------------------------------- */

static void end_all(struct group *group, size_t count, enum err err, const struct fault *fault)
{
    for (size_t i = 0; i < count; i++)
        outcome_set(&group->outcomes[i], err, fault);
}

/* Stops at a command that has spoilt the transaction. */
static enum err decide_each(struct eventlog *log, struct group *group, bool saves, bool *spoilt,
                            struct fault *fault)
{
    *spoilt = false;
    enum err err = database_run_plain(log->db, LOG_BEGIN, fault);
    for (size_t i = 0; i < group->count && !err && !*spoilt; i++) {
        struct outcome *outcome = &group->outcomes[i];
        *fault = (struct fault){0};
        outcome_set(outcome, decide(log, outcome->command, saves, spoilt, fault), fault);
        if (sqlite3_get_autocommit(database_handle(log->db)))
            err = outcome->err ? outcome->err
                               : fault_set(fault, ERR_IO, "", "the transaction was lost");
    }
    return err;
}

/*
 * Decides the group in a transaction. When the disk's failure ended that transaction, what was
 * decided is undone for certain: those get the failure, the rest is not decided and gets it too.
 */
static enum err decide_group(struct eventlog *log, struct group *group, struct fault *fault)
{
    const struct state before = log->state;
    bool spoilt;
    enum err err = decide_each(log, group, false, &spoilt, fault);
    if (err || !spoilt)
        return err;
    database_rollback(log->db);
    log->state = before;
    return decide_each(log, group, true, &spoilt, fault);
}

static void write_head(struct eventlog *log)
{
    struct head head = state_head(&log->state);
    struct fault fault;
    /* The commit stands; only the notice of a lost tail is weaker until the next one. */
    if (head_write(log->head, &head, &fault))
        diag_fault(log->config.diag, DIAG_ERROR, "eventlog.head_not_written", &fault);
}

static void met_full_disk(struct eventlog *log)
{
    space_give_up(&log->space);
    log->shrinks = true; /* the write-ahead log is what can be shortened at once */
}

/*
 * "Full" means that a write was cut short, and the commit mark is written last: nothing happened.
 * After any other failure nobody knows before the file is read again.
 */
static void commit_failed(struct eventlog *log, struct group *group, enum err err,
                          struct fault *fault)
{
    diag_fault(log->config.diag, DIAG_ERROR, "eventlog.commit_failed", fault);
    log->suspect = log->suspect || err == ERR_CORRUPT;
    if (err == ERR_DISK_FULL)
        met_full_disk(log);
    if (err != ERR_DISK_FULL) {
        fault->code = ERR_UNKNOWN_OUTCOME;
        err = fault_wrap(fault, ERR_UNKNOWN_OUTCOME, "saving");
    }
    end_all(group, group->count, err, fault);
    database_rollback(log->db);
    if (err != ERR_DISK_FULL)
        log_close_database(log);
}

static void commit_group(struct eventlog *log, struct group *group, const struct state *before,
                         struct fault *fault)
{
    database_reset(log->db);
    enum err err = database_run_plain(log->db, LOG_COMMIT, fault);
    syncer_await(log);
    if (err) {
        log->state = *before;
        commit_failed(log, group, err, fault);
        return;
    }
    if (log->state.changes == before->changes)
        return;
    write_head(log);
    log_publish(log);
}

static void tell_committed(struct eventlog *log)
{
    if (log->config.committed)
        log->config.committed(log->config.context);
}

/* Damage was met: the database is opened anew, and everything in it read before it is trusted. */
static void distrust(struct eventlog *log)
{
    log->suspect = true;
    log_close_database(log);
}

static bool met_damage(const struct group *group)
{
    for (size_t i = 0; i < group->count; i++)
        if (group->outcomes[i].err == ERR_CORRUPT)
            return true;
    return false;
}

static void shorten_files(struct eventlog *log)
{
    log->shrinks = false;
    syncer_await(log);
    database_cut_wal(log->db);
}

static void run_group(struct eventlog *log, struct group *group)
{
    struct state before = log->state;
    struct fault fault = {0};
    enum err err = decide_group(log, group, &fault);
    if (err) {
        database_rollback(log->db);
        log->state = before;
        diag_fault(log->config.diag, DIAG_ERROR, "eventlog.group_failed", &fault);
        end_all(group, group->count, err, &fault);
        if (err == ERR_CORRUPT)
            distrust(log);
        if (err == ERR_DISK_FULL)
            met_full_disk(log);
    } else {
        commit_group(log, group, &before, &fault);
        if (log->db && met_damage(group))
            distrust(log);
    }
    for (size_t i = 0; i < group->count; i++)
        outcome_tell(&group->outcomes[i]);
    if (log->state.changes != before.changes) {
        tell_committed(log);
        if (log->head) /* else closed with the database: opening syncs it */
            syncer_begin(log);
    }
    if (log->shrinks && log->db)
        shorten_files(log);
}

/* --- The thread ------------------------------------------------------------------------------ */

static void take_group(struct eventlog *log, struct group *group)
{
    group->count = 0;
    while (log->first && group->count < GROUP_MAX) {
        group->outcomes[group->count++] = (struct outcome){.command = log->first};
        log->first = log->first->next;
    }
    if (!log->first)
        log->last = NULL;
    log->waiting -= group->count;
    log->told = group->count;
    memcpy(log->source, log->next_source, sizeof log->source);
}

bool log_gathered(const struct eventlog *log)
{
    return log->first && (!log->syncer.due || log->waiting >= log->told);
}

/* While the disk is filling up nobody may ask for anything: the writer looks by itself. */
static void wait(struct eventlog *log)
{
    if (!log->space.tight) {
        pthread_cond_wait(&log->wake, &log->lock);
        return;
    }
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until); /* as log->wake was made for */
    until.tv_sec += LOOK_FOR_SPACE_S;
    (void)pthread_cond_timedwait(&log->wake, &log->lock, &until);
}

static void look_for_space(struct eventlog *log)
{
    space_look(&log->space);
    bool held = log->space.held;
    bool changed = held != log->status.can_save; /* only this thread writes it */
    if (!changed && log->space.tight == log->status.tight)
        return;
    if (!changed && log->space.tight)
        diag_write(log->config.diag, DIAG_WARN, "eventlog.disk_tight",
                   "%lld bytes are free: diagnostics are shed", (long long)log->space.free_bytes);
    else if (held)
        diag_write(log->config.diag, DIAG_INFO, "eventlog.disk_has_space",
                   "%lld bytes are free: returns can be begun again",
                   (long long)log->space.free_bytes);
    else
        diag_write(log->config.diag, DIAG_ERROR, "eventlog.disk_nearly_full",
                   "%lld bytes were free: what is begun is finished with the reserve",
                   (long long)log->space.free_bytes);
    log_publish(log);
    tell_committed(log);
}

/* Waits for commands; false at the end. May come back with none. */
static bool wait_for_group(struct eventlog *log, struct group *group)
{
    pthread_mutex_lock(&log->lock);
    if (!log_gathered(log) && !log->stopping && !log->wal.asked)
        wait(log);
    take_group(log, group);
    bool goes_on = group->count > 0 || !log->stopping;
    pthread_mutex_unlock(&log->lock);
    return goes_on;
}

/* Times between attempts to have the database again. */
struct retry {
    int64_t next_ms;
    int64_t delay_ms;
    struct fault fault; /* why it is lost */
};

static bool have_database(struct eventlog *log, struct retry *retry)
{
    if (log->db)
        return true;
    int64_t now_ms = clock_monotonic_ms(log->config.clock);
    if (retry->delay_ms && now_ms < retry->next_ms)
        return false;
    if (log_open_database(log, &retry->fault) == ERR_OK) {
        diag_write(log->config.diag, DIAG_INFO, "eventlog.reopened", "the database is back");
        retry->delay_ms = 0;
        tell_committed(log);
        return true;
    }
    diag_fault(log->config.diag, DIAG_ERROR, "eventlog.not_reopened", &retry->fault);
    retry->delay_ms = retry->delay_ms ? retry->delay_ms * 2 : RETRY_FIRST_MS;
    if (retry->delay_ms > RETRY_MAX_MS)
        retry->delay_ms = RETRY_MAX_MS;
    retry->next_ms = now_ms + retry->delay_ms;
    return false;
}

static void answer_lost(struct group *group, const struct fault *fault)
{
    end_all(group, group->count, fault->code, fault);
    for (size_t i = 0; i < group->count; i++)
        outcome_tell(&group->outcomes[i]);
}

void *writer_run(void *context)
{
    struct eventlog *log = context;
    struct group group;
    struct retry retry = {0};
    while (wait_for_group(log, &group)) {
        look_for_space(log);
        if (!group.count) {
            wal_tend(log);
            continue;
        }
        if (!have_database(log, &retry)) {
            answer_lost(&group, &retry.fault);
            continue;
        }
        run_group(log, &group);
        wal_tend(log);
        (void)have_database(log, &retry); /* lost just now? then have it back for the next */
    }
    return NULL;
}
