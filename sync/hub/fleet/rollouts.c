#include "sync/hub/fleet/rollouts.h"
#include "hal/base/cleanup.h"
#include "sync/contract/link_state.h"
#include "sync/hub/fleet/rollouts.sql.h"
#include "sync/hub/fleet/rollouts_inside.h"
#include "sync/hub/fleet/software.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_MAX = 512, BACKLOGS_MAX = 2000, MS_PER_S = 1000, LIST_MAX = 100 };

/* A row of the table. */
struct row {
    int64_t no;
    char scope[SCOPE_MAX];
    int64_t change_no;
    struct rollout_rules rules;
    enum rollout_state state;
    int64_t wave;
    int64_t forgiven;
    char why[WHY_MAX];
    int64_t wave_ms;
    int64_t ended_ms; /* 0: not yet */
};

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

static enum err take_row(struct statement *s, struct row *row, struct fault *fault)
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

static enum err find(struct rollouts *rollouts, int64_t no, struct row *row, struct fault *fault)
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

static enum err save(struct rollouts *rollouts, const struct row *row, struct fault *fault)
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

/* Of all waves; beyond what the verdict needs, for people. */
struct tally {
    struct rollout_counts counts;
    int64_t total;
    int64_t all_planned;
    int64_t offline;
    int64_t returned;
};

static enum err count_growing(struct rollouts *rollouts, const struct row *row, int64_t *growing,
                              struct fault *fault)
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
static enum err count_releases(struct rollouts *rollouts, const struct row *row, int64_t now_ms,
                               struct rollout_counts *counts, struct fault *fault)
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

static enum err count(struct rollouts *rollouts, const struct row *row, int64_t now_ms,
                      struct tally *tally, struct fault *fault)
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
    *tally = (struct tally){
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
    struct row row = {.no = 0};
    struct tally tally = {.total = 0};
    enum err err = find(rollouts, act->rollout_no, &row, fault);
    enum rollout_state before = row.state;
    if (!err)
        err = rollout_next(row.state, act->event, &row.state, fault);
    if (!err && act->event == ROLLOUT_RESUME && before == ROLLOUT_HALTED)
        err = count(rollouts, &row, act->now_ms, &tally, fault);
    if (err)
        return err;
    if (before == ROLLOUT_HALTED)
        row.forgiven = tally.counts.bad + tally.counts.silent + tally.counts.growing;
    (void)snprintf(row.why, sizeof row.why, "%s", act->reason);
    row.wave_ms = act->now_ms;
    row.ended_ms = rollout_is_open(row.state) ? 0 : act->now_ms;
    return save(rollouts, &row, fault);
}

/* --- Stepping -------------------------------------------------------------------------------- */

enum { STEP_MAX = 200 };

struct stepping {
    struct rollouts *rollouts;
    const struct row *row;
    const struct signer *signer;
    int64_t now_ms;
    desired_send *send;
    void *context;
};

struct member {
    char device[DEVICE_ID_MAX + 1];
    int64_t before_change;
};

/* At most STEP_MAX of the statement's rows. */
static enum err list_members(struct rollouts *rollouts, struct statement *s,
                             struct member list[static STEP_MAX], size_t *members,
                             struct fault *fault)
{
    bool row = true;
    enum err err = ERR_OK;
    *members = 0;
    while (*members < STEP_MAX && (err = database_step(rollouts->db, s, &row, fault)) == ERR_OK &&
           row) {
        struct slice device = column_slice(s, 0);
        struct member *member = &list[(*members)++];
        (void)snprintf(member->device, sizeof member->device, "%.*s", (int)device.len, device.data);
        member->before_change = column_count(s) > 1 ? column_int(s, 1) : 0;
    }
    statement_reset(s);
    return err;
}

static enum err note_sent(const struct stepping *step, const char *device, int64_t version,
                          struct fault *fault)
{
    struct statement *s;
    struct link_state state = {.online = false};
    bool row;
    bool online = false;
    enum err err = rollouts_statement(step->rollouts, ROLLOUTS_DEVICE_STATE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    err = database_step(step->rollouts->db, s, &row, fault);
    if (!err && row) {
        online = column_int(s, 1) != 0;
        if (link_state_read(column_slice(s, 0), &state, NULL) != ERR_OK)
            state = (struct link_state){.online = false};
    }
    statement_reset(s);
    if (!err)
        err = rollouts_statement(step->rollouts, ROLLOUTS_MEMBER_SENT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, step->row->no);
    bind_text(s, 2, device);
    bind_int(s, 3, version);
    bind_int(s, 4, online);
    bind_int(s, 5, state.waiting[STREAM_RETURNS] + state.waiting[STREAM_SALES]);
    bind_int(s, 6, step->now_ms);
    return database_run(step->rollouts->db, s, fault);
}

static enum err note_returned(const struct stepping *step, const char *device, struct fault *fault)
{
    struct statement *s;
    enum err err = rollouts_statement(step->rollouts, ROLLOUTS_MEMBER_RETURNED, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, step->row->no);
    bind_text(s, 2, device);
    return database_run(step->rollouts->db, s, fault);
}

static enum err give(const struct stepping *step, const struct member *member, bool back,
                     struct fault *fault)
{
    struct desired_document document = {.version = 0};
    const struct desired_order order = {
        .device = member->device,
        .change_no = back ? member->before_change : step->row->change_no,
        .rollout_no = step->row->no,
        .now_ms = step->now_ms,
    };
    enum err err = desired_make(step->rollouts->desired, &order, step->signer, &document, fault);
    if (!err)
        err = back ? note_returned(step, member->device, fault)
                   : note_sent(step, member->device, document.version, fault);
    if (!err)
        step->send(step->context, member->device, buf_slice(&document.envelope));
    desired_document_free(&document);
    return err;
}

/* Sends to those who are due, or back what those had before who got it. */
static enum err give_some(const struct stepping *step, bool back, int64_t max, size_t *given,
                          struct fault *fault)
{
    struct member list[STEP_MAX];
    struct statement *s;
    enum err err =
        rollouts_statement(step->rollouts, back ? ROLLOUTS_GIVEN : ROLLOUTS_PLANNED, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, step->row->no);
    bind_int(s, 2, back ? max : step->row->wave);
    if (!back)
        bind_int(s, 3, max);
    err = list_members(step->rollouts, s, list, given, fault);
    for (size_t i = 0; !err && i < *given; i++)
        err = give(step, &list[i], back, fault);
    return err;
}

static enum err judge(struct rollouts *rollouts, struct row *row, int64_t now_ms, bool *more,
                      struct fault *fault)
{
    struct tally tally;
    struct fault why = {0};
    enum rollout_event event;
    enum err err = count(rollouts, row, now_ms, &tally, fault);
    if (err)
        return err;
    switch (
        rollout_judge(&row->rules, &tally.counts, (size_t)row->wave, now_ms - row->wave_ms, &why)) {
    case ROLLOUT_WAIT:
        return ERR_OK;
    case ROLLOUT_GO_ON:
        event = ROLLOUT_WAVE_PASSED;
        break;
    case ROLLOUT_FINISH:
        event = ROLLOUT_ALL_PASSED;
        break;
    default:
        event = ROLLOUT_TROUBLE;
    }
    err = rollout_next(row->state, event, &row->state, fault);
    if (err)
        return err;
    if (event == ROLLOUT_WAVE_PASSED) {
        row->wave++;
        row->wave_ms = now_ms;
        *more = true;
    }
    if (event == ROLLOUT_ALL_PASSED)
        row->ended_ms = now_ms;
    (void)snprintf(row->why, sizeof row->why, "%s%s%.200s", why.where, why.where[0] ? ": " : "",
                   why.text);
    return save(rollouts, row, fault);
}

/* What a person must mend would fail at every step. */
static enum err halt(struct rollouts *rollouts, struct row *row, struct fault *fault)
{
    row->state = ROLLOUT_HALTED;
    (void)snprintf(row->why, sizeof row->why, "%s: %.300s", fault->where, fault->text);
    return save(rollouts, row, fault);
}

enum err rollouts_step(struct rollouts *rollouts, const struct signer *signer, int64_t now_ms,
                       int64_t max, desired_send *send, void *context, bool *more, bool *open,
                       struct fault *fault)
{
    int64_t no = 0;
    size_t given = 0;
    struct row row;
    *more = *open = false;
    enum err err = rollouts_one(rollouts, ROLLOUTS_RETURNING, &no, fault);
    if (!err && !no)
        err = rollouts_one(rollouts, ROLLOUTS_OPEN, &no, fault);
    if (!err && !no)
        return ERR_OK;
    if (!err)
        err = find(rollouts, no, &row, fault);
    if (err)
        return err;
    const struct stepping step = {rollouts, &row, signer, now_ms, send, context};
    *open = true;
    if (row.state == ROLLOUT_RUNNING || row.state == ROLLOUT_ABORTED)
        err = give_some(&step, row.state == ROLLOUT_ABORTED, max < STEP_MAX ? max : STEP_MAX,
                        &given, fault);
    if (err && err_class(err) == ERR_CLASS_PARK && row.state == ROLLOUT_RUNNING)
        return halt(rollouts, &row, fault);
    *more = given > 0;
    if (!err && !given && row.state == ROLLOUT_RUNNING)
        err = judge(rollouts, &row, now_ms, more, fault);
    return err;
}

/* --- Telling --------------------------------------------------------------------------------- */

static enum err write_members(struct rollouts *rollouts, int64_t no, const char *state, int64_t max,
                              struct jsonw *w, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = rollouts_statement(rollouts, ROLLOUTS_MEMBERS, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, no);
    bind_text(s, 2, state);
    bind_int(s, 3, max);
    jsonw_array(w, state);
    while ((err = database_step(rollouts->db, s, &row, fault)) == ERR_OK && row) {
        jsonw_object(w, NULL);
        jsonw_slice(w, "device", column_slice(s, 0));
        jsonw_int(w, "wave", column_int(s, 1));
        if (column_slice(s, 3).len)
            jsonw_slice(w, "path", column_slice(s, 3));
        if (column_slice(s, 4).len)
            jsonw_slice(w, "reason", column_slice(s, 4));
        jsonw_end(w);
    }
    jsonw_end(w);
    statement_reset(s);
    return err;
}

/* Who has the document, and doesn't run its release. */
static enum err write_releases(struct rollouts *rollouts, int64_t no, int64_t max, struct jsonw *w,
                               struct fault *fault)
{
    struct statement *s;
    struct software software;
    bool row = true;
    enum err err = rollouts_statement(rollouts, ROLLOUTS_RELEASES, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, no);
    jsonw_array(w, "updating");
    while (max && (err = database_step(rollouts->db, s, &row, fault)) == ERR_OK && row) {
        const char *release = column_text(s, 2);
        software_read(column_slice(s, 3), &software);
        if (software_fate_of(&software, release) == SOFTWARE_RUNS)
            continue;
        bool asked = strcmp(software.update_version, release) == 0;
        jsonw_object(w, NULL);
        jsonw_slice(w, "device", column_slice(s, 0));
        jsonw_int(w, "wave", column_int(s, 1));
        jsonw_text(w, "release", release);
        jsonw_text(w, "state", asked ? software.update_state : "asked");
        if (asked && software.update_reason[0])
            jsonw_text(w, "reason", software.update_reason);
        jsonw_end(w);
        max--;
    }
    jsonw_end(w);
    statement_reset(s);
    return err;
}

static void write_counts(struct jsonw *w, const struct tally *tally)
{
    jsonw_object(w, "devices");
    jsonw_int(w, "total", tally->total);
    jsonw_int(w, "planned", tally->all_planned);
    jsonw_int(w, "good", tally->counts.good);
    jsonw_int(w, "bad", tally->counts.bad);
    jsonw_int(w, "silent", tally->counts.silent);
    jsonw_int(w, "growing", tally->counts.growing);
    jsonw_int(w, "pending", tally->counts.pending);
    jsonw_int(w, "offline", tally->offline);
    jsonw_int(w, "returned", tally->returned);
    jsonw_end(w);
}

static enum err write_head(struct rollouts *rollouts, int64_t no, int64_t now_ms, struct jsonw *w,
                           struct fault *fault)
{
    struct statement *s;
    struct row row;
    struct tally tally = {.total = 0};
    bool found;
    enum err err = find(rollouts, no, &row, fault);
    if (!err) /* silence is counted as of the end */
        err = count(rollouts, &row, row.ended_ms ? row.ended_ms : now_ms, &tally, fault);
    if (!err)
        err = rollouts_statement(rollouts, ROLLOUTS_FIND, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, no);
    err = database_step(rollouts->db, s, &found, fault);
    if (err)
        return err;
    jsonw_int(w, "rollout", no);
    jsonw_text(w, "scope", row.scope);
    jsonw_int(w, "change", row.change_no);
    jsonw_text(w, "state", rollout_state_name(row.state));
    jsonw_text(w, "why", row.why);
    jsonw_int(w, "wave", row.wave + 1);
    jsonw_int(w, "waves", (int64_t)rollout_wave_count(&row.rules));
    jsonw_slice(w, "by", column_slice(s, 7));
    jsonw_slice(w, "reason", column_slice(s, 8));
    jsonw_time(w, "started", column_int(s, 9));
    if (row.ended_ms)
        jsonw_time(w, "ended", row.ended_ms);
    statement_reset(s);
    jsonw_object(w, "rules");
    rollout_rules_write(w, &row.rules);
    jsonw_end(w);
    write_counts(w, &tally);
    return ERR_OK;
}

enum err rollouts_write(struct rollouts *rollouts, int64_t no, int64_t now_ms, int64_t max,
                        struct jsonw *w, struct fault *fault)
{
    jsonw_object(w, NULL);
    enum err err = write_head(rollouts, no, now_ms, w, fault);
    if (!err)
        err = write_members(rollouts, no, "bad", max, w, fault);
    if (!err)
        err = write_members(rollouts, no, "sent", max, w, fault);
    if (!err)
        err = write_releases(rollouts, no, max, w, fault);
    jsonw_end(w);
    return err;
}

enum err rollouts_list(struct rollouts *rollouts, int64_t before, int64_t now_ms, int64_t max,
                       struct jsonw *w, struct fault *fault)
{
    int64_t found[LIST_MAX];
    size_t listed = 0;
    struct statement *s;
    bool row = true;
    enum err err = rollouts_statement(rollouts, ROLLOUTS_LIST, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, before);
    bind_int(s, 2, max < LIST_MAX ? max : LIST_MAX);
    while (listed < LIST_MAX && (err = database_step(rollouts->db, s, &row, fault)) == ERR_OK &&
           row)
        found[listed++] = column_int(s, 0);
    statement_reset(s);
    for (size_t i = 0; !err && i < listed; i++) {
        jsonw_object(w, NULL);
        err = write_head(rollouts, found[i], now_ms, w, fault);
        jsonw_end(w);
    }
    return err;
}

enum err rollouts_newest(struct rollouts *rollouts, int64_t *rollout_no, struct fault *fault)
{
    int64_t found = 0;
    enum err err = rollouts_one(rollouts, ROLLOUTS_LAST, &found, fault);
    if (!err && !found)
        err = fault_set(fault, ERR_NOT_FOUND, "rollout", "there never was one");
    if (!err)
        *rollout_no = found;
    return err;
}
