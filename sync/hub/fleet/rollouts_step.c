/* rollouts.h: what is due now: documents to a wave, or back, and the verdict on a wave. */
#include "sync/contract/link_state.h"
#include "sync/hub/fleet/rollouts.sql.h"
#include "sync/hub/fleet/rollouts_inside.h"

#include <stdio.h>

enum { STEP_MAX = 200 };

struct stepping {
    struct rollouts *rollouts;
    const struct rollouts_row *row;
    const struct rollouts_turn *turn;
};

struct member {
    char device[DEVICE_ID_MAX + 1];
    int64_t before_change;
};

/* Lists at most STEP_MAX of the statement's rows. */
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
    bind_int(s, 6, step->turn->now_ms);
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
        .now_ms = step->turn->now_ms,
    };
    enum err err =
        desired_make(step->rollouts->desired, &order, step->turn->signer, &document, fault);
    if (!err)
        err = back ? note_returned(step, member->device, fault)
                   : note_sent(step, member->device, document.version, fault);
    if (!err)
        step->turn->send(step->turn->context, member->device, buf_slice(&document.envelope));
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

static enum err judge(struct rollouts *rollouts, struct rollouts_row *row, int64_t now_ms,
                      bool *more, struct fault *fault)
{
    struct rollouts_tally tally;
    struct fault why = {0};
    enum rollout_event event;
    enum err err = rollouts_count(rollouts, row, now_ms, &tally, fault);
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
    return rollouts_save(rollouts, row, fault);
}

/* What a person must mend would fail at every step. */
static enum err halt(struct rollouts *rollouts, struct rollouts_row *row, struct fault *fault)
{
    row->state = ROLLOUT_HALTED;
    (void)snprintf(row->why, sizeof row->why, "%s: %.300s", fault->where, fault->text);
    return rollouts_save(rollouts, row, fault);
}

enum err rollouts_step(struct rollouts *rollouts, const struct rollouts_turn *turn, bool *more,
                       bool *open, struct fault *fault)
{
    int64_t no = 0;
    size_t given = 0;
    struct rollouts_row row;
    *more = *open = false;
    enum err err = rollouts_one(rollouts, ROLLOUTS_RETURNING, &no, fault);
    if (!err && !no)
        err = rollouts_one(rollouts, ROLLOUTS_OPEN, &no, fault);
    if (!err && !no)
        return ERR_OK;
    if (!err)
        err = rollouts_find(rollouts, no, &row, fault);
    if (err)
        return err;
    const struct stepping step = {rollouts, &row, turn};
    *open = true;
    if (row.state == ROLLOUT_RUNNING || row.state == ROLLOUT_ABORTED)
        err = give_some(&step, row.state == ROLLOUT_ABORTED,
                        turn->max < STEP_MAX ? turn->max : STEP_MAX, &given, fault);
    if (err && err_class(err) == ERR_CLASS_PARK && row.state == ROLLOUT_RUNNING)
        return halt(rollouts, &row, fault);
    *more = given > 0;
    if (!err && !given && row.state == ROLLOUT_RUNNING)
        err = judge(rollouts, &row, turn->now_ms, more, fault);
    return err;
}
