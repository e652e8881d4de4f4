#include "sync/hub/fleet/rollouts.h"
#include "sync/contract/link_state.h"
#include "sync/hub/fleet/rollouts.sql.h"
#include "sync/hub/fleet/rollouts_inside.h"
#include "sync/hub/fleet/software.h"

#include <stdio.h>
#include <stdlib.h>

enum { BACKLOGS_MAX = 2000, MS_PER_S = 1000 };

enum err rollouts_open(struct rollouts **out, struct database *db, struct desired *desired,
                       struct fault *fault)
{
    struct rollouts *rollouts = calloc(1, sizeof *rollouts);
    if (!rollouts)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    rollouts->db = db;
    rollouts->desired = desired;
    enum err err = database_attach(db, rollouts_sql, ROLLOUTS_COUNT, &rollouts->sql, fault);
    if (err) {
        free(rollouts);
        return err;
    }
    *out = rollouts;
    return ERR_OK;
}

void rollouts_close(struct rollouts *rollouts)
{
    free(rollouts);
}

enum err rollouts_statement(struct rollouts *rollouts, size_t index, struct statement **s,
                            struct fault *fault)
{
    return database_attached(rollouts->sql, index, s, fault);
}

enum err rollouts_one(struct rollouts *rollouts, size_t index, int64_t *rollout_no,
                      struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = rollouts_statement(rollouts, index, &s, fault);
    if (!err)
        err = database_step(rollouts->db, s, &row, fault);
    if (err)
        return err;
    *rollout_no = row ? column_int(s, 0) : 0;
    statement_reset(s);
    return ERR_OK;
}

static enum err take_row(struct statement *s, struct rollouts_row *row, struct fault *fault)
{
    struct slice scope = column_slice(s, 0);
    struct slice why = column_slice(s, 6);
    const char *state = column_text(s, 3);
    row->change_no = column_int(s, 1);
    row->rules = rollout_at_once;
    row->wave = column_int(s, 4);
    row->forgiven = column_int(s, 5);
    row->wave_ms = column_int(s, 10);
    row->ended_ms = column_int(s, 11);
    (void)snprintf(row->scope, sizeof row->scope, "%.*s", (int)scope.len, scope.data);
    (void)snprintf(row->why, sizeof row->why, "%.*s", (int)why.len, why.data);
    enum err err = rollout_rules_read(column_slice(s, 2), &row->rules, fault);
    if (!err && rollout_state_find(state, &row->state) != ERR_OK)
        err = fault_set(fault, ERR_CORRUPT, "rollout", "a row is in no state that is known");
    return err;
}

enum err rollouts_find(struct rollouts *rollouts, int64_t no, struct rollouts_row *row,
                       struct fault *fault)
{
    struct statement *s;
    bool found;
    enum err err = rollouts_statement(rollouts, ROLLOUTS_FIND, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, no);
    err = database_step(rollouts->db, s, &found, fault);
    row->no = no;
    if (!err)
        err = found ? take_row(s, row, fault)
                    : fault_set(fault, ERR_NOT_FOUND, "rollout", "there is none of that number");
    statement_reset(s);
    return err;
}

enum err rollouts_save(struct rollouts *rollouts, const struct rollouts_row *row,
                       struct fault *fault)
{
    struct statement *s;
    enum err err = rollouts_statement(rollouts, ROLLOUTS_SET, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, row->no);
    bind_text(s, 2, rollout_state_name(row->state));
    bind_int(s, 3, row->wave);
    bind_int(s, 4, row->forgiven);
    bind_text(s, 5, row->why);
    bind_int(s, 6, row->wave_ms);
    if (row->ended_ms)
        bind_int(s, 7, row->ended_ms);
    return database_run(rollouts->db, s, fault);
}

/* --- Counting -------------------------------------------------------------------------------- */

static enum err count_growing(struct rollouts *rollouts, const struct rollouts_row *row,
                              int64_t *growing, struct fault *fault)
{
    struct statement *s;
    struct link_state state;
    bool found = true;
    enum err err = rollouts_statement(rollouts, ROLLOUTS_BACKLOGS, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, row->no);
    bind_int(s, 2, BACKLOGS_MAX);
    while ((err = database_step(rollouts->db, s, &found, fault)) == ERR_OK && found) {
        int64_t waiting = 0;
        if (link_state_read(column_slice(s, 1), &state, NULL) == ERR_OK)
            for (int i = 0; i < STREAMS_OF_APPLIANCE; i++)
                waiting += state.waiting[i];
        *growing += waiting - column_int(s, 0) > row->rules.backlog_events;
    }
    statement_reset(s);
    return err;
}

/* Who took a document with a new release is good when that runs, and bad when it failed. */
static enum err count_releases(struct rollouts *rollouts, const struct rollouts_row *row,
                               int64_t now_ms, struct rollout_counts *counts, struct fault *fault)
{
    struct statement *s;
    struct software software;
    bool found = true;
    const int64_t silent_ms = now_ms - row->rules.silence_s * MS_PER_S;
    enum err err = rollouts_statement(rollouts, ROLLOUTS_RELEASES, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, row->no);
    while ((err = database_step(rollouts->db, s, &found, fault)) == ERR_OK && found) {
        software_read(column_slice(s, 3), &software);
        enum software_fate fate = software_fate_of(&software, column_text(s, 2));
        if (fate == SOFTWARE_RUNS)
            continue;
        bool silent = !column_int(s, 4) && column_int(s, 5) < silent_ms;
        counts->good--;
        counts->bad += fate == SOFTWARE_FAILED;
        counts->silent += fate == SOFTWARE_PENDING && silent;
        counts->pending += fate == SOFTWARE_PENDING && !silent;
    }
    statement_reset(s);
    return err;
}

enum err rollouts_count(struct rollouts *rollouts, const struct rollouts_row *row, int64_t now_ms,
                        struct rollouts_tally *tally, struct fault *fault)
{
    struct statement *s;
    bool found;
    enum err err = rollouts_statement(rollouts, ROLLOUTS_COUNTS, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, row->no);
    bind_int(s, 2, row->wave);
    bind_int(s, 3, now_ms - row->rules.silence_s * MS_PER_S);
    err = database_step(rollouts->db, s, &found, fault);
    if (err)
        return err;
    *tally = (struct rollouts_tally){
        .counts = {.planned = column_int(s, 0),
                   .online = column_int(s, 1),
                   .good = column_int(s, 2),
                   .bad = column_int(s, 3),
                   .silent = column_int(s, 4),
                   .pending = column_int(s, 5),
                   .forgiven = row->forgiven},
        .total = column_int(s, 6),
        .all_planned = column_int(s, 7),
        .offline = column_int(s, 8),
        .returned = column_int(s, 9),
    };
    statement_reset(s);
    err = count_releases(rollouts, row, now_ms, &tally->counts, fault);
    return err ? err : count_growing(rollouts, row, &tally->counts.growing, fault);
}

/* --- Acting ---------------------------------------------------------------------------------- */

enum err rollouts_act(struct rollouts *rollouts, const struct rollout_act *act, struct fault *fault)
{
    struct rollouts_row row = {.no = 0};
    struct rollouts_tally tally = {.total = 0};
    enum err err = rollouts_find(rollouts, act->rollout_no, &row, fault);
    enum rollout_state before = row.state;
    if (!err)
        err = rollout_next(row.state, act->event, &row.state, fault);
    if (!err && act->event == ROLLOUT_RESUME && before == ROLLOUT_HALTED)
        err = rollouts_count(rollouts, &row, act->now_ms, &tally, fault);
    if (err)
        return err;
    if (before == ROLLOUT_HALTED)
        row.forgiven = tally.counts.bad + tally.counts.silent + tally.counts.growing;
    (void)snprintf(row.why, sizeof row.why, "%s", act->reason);
    row.wave_ms = act->now_ms;
    row.ended_ms = rollout_is_open(row.state) ? 0 : act->now_ms;
    return rollouts_save(rollouts, &row, fault);
}
