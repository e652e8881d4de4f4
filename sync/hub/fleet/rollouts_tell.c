/* rollouts.h: how rollouts go, for people. */
#include "sync/hub/fleet/rollouts.sql.h"
#include "sync/hub/fleet/rollouts_inside.h"
#include "sync/hub/fleet/software.h"

#include <string.h>

enum { LIST_MAX = 100 };

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

static void write_counts(struct jsonw *w, const struct rollouts_tally *tally)
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
    struct rollouts_row row;
    struct rollouts_tally tally = {.total = 0};
    bool found;
    enum err err = rollouts_find(rollouts, no, &row, fault);
    if (!err) /* silence is counted as of the end */
        err = rollouts_count(rollouts, &row, row.ended_ms ? row.ended_ms : now_ms, &tally, fault);
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
