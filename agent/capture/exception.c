#include "agent/capture/exception.h"
#include "agent/returns/cardnumber.h"
#include "agent/views/exception_view.h"
#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { NOTE_MAX = 500, DATA_MAX = 16 * 1024 };

/* --- Raising -----------------------------------------------------------------------------------
 */

/* Which reason of a decision means which exception; `always`: even where the policy accepts it. */
static const struct {
    const char *reason;
    const char *code;
    bool always;
} meanings[] = {
    {"no_original", "no_original", false},
    {"receipt_unknown", "no_original", false},
    {"quantity_exceeds_remaining", "quantity_exceeds_remaining", false},
    {"refund_exceeds_paid", "refund_exceeds_paid", false},
    {"tender_not_allowed", "tender_not_allowed", false},
    {"no_exchange_rate", "currency_mismatch", false},
    {"clock_untrusted", "clock_untrusted", false},
    {"item_not_on_file", "item_not_on_file", false},
    {"tax_jurisdiction_mismatch", "tax_jurisdiction_mismatch", true},
};

static const char *owner_of(const char *code)
{
    bool money = strcmp(code, "disputed") == 0 || strcmp(code, "currency_mismatch") == 0;
    return money ? "finance" : "manager";
}

static void write_day(struct jsonw *w, const struct release *release)
{
    struct clock_reading now = eventlog_txn_now(release->txn);
    struct facts facts = {.now_ms = now.wall_ms,
                          .utc_offset_minutes = utc_offset_minutes(now.wall_ms)};
    char day[BUSINESS_DATE_TEXT + 1];
    business_date(day, &facts);
    jsonw_text(w, "business_date", day);
    jsonw_text(w, "lane", release->job->actor.lane);
    jsonw_text(w, "person", release->job->actor.person);
}

enum err exception_raise(struct release *release, const char *code, const char *detail,
                         struct fault *fault)
{
    struct id_source ids;
    id_source_init(&ids, NULL, NULL);
    struct id id = id_next(&ids, eventlog_txn_now(release->txn).wall_ms);
    char text[ID_TEXT + 1];
    id_format(&id, text);
    struct buf data CLEANUP(buf_free);
    buf_init(&data, DATA_MAX);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    write_day(&w, release);
    jsonw_text(&w, "exception", text);
    jsonw_text(&w, "code", code);
    if (detail && detail[0])
        jsonw_text(&w, "detail", detail);
    jsonw_text(&w, "owner", owner_of(code));
    jsonw_end(&w);
    enum err err = buf_check(&data, fault, "exception");
    return err ? err : release_append(release, EVENT_EXCEPTION_RAISED, buf_slice(&data), fault);
}

static const struct decided_reason *first_reason(const struct decision *decision,
                                                 const char *reason)
{
    for (size_t i = 0; i < decision->reason_count; i++)
        if (strcmp(decision->reasons[i].code, reason) == 0)
            return &decision->reasons[i];
    return NULL;
}

enum err exception_raise_reasons(struct release *release, const struct decision *decision,
                                 struct fault *fault)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings && !err; i++) {
        const struct decided_reason *reason = first_reason(decision, meanings[i].reason);
        if (!reason || (reason->outcome == OUTCOME_ACCEPTED && !meanings[i].always))
            continue;
        char detail[48] = "";
        if (reason->request_index != DECISION_NO_INDEX)
            (void)snprintf(detail, sizeof detail, "lines[%zu]", reason->request_index);
        err = exception_raise(release, meanings[i].code, detail, fault);
    }
    return err;
}

/* --- Assigning and resolving -------------------------------------------------------------------
 */

struct step_input {
    const char *owner;
    const char *how;
    const char *note;
};

#define STEP(member) offsetof(struct step_input, member)
#define NOTE                                                                                       \
    {                                                                                              \
        .name = "note", .kind = JSON_TEXT, .presence = JSON_OPTIONAL, .offset = STEP(note),        \
        .max = NOTE_MAX                                                                            \
    }
static const struct json_field assign_fields[] = {
    {.name = "owner",
     .kind = JSON_TEXT,
     .offset = STEP(owner),
     .min = 1,
     .max = EXCEPTION_OWNER_MAX},
    NOTE,
};
static const struct json_field resolve_fields[] = {
    {.name = "how", .kind = JSON_TEXT, .offset = STEP(how), .min = 1, .max = EXCEPTION_TEXT_MAX},
    NOTE,
};
static const struct json_table assign_table = {
    assign_fields, sizeof assign_fields / sizeof *assign_fields, sizeof(struct step_input), false};
static const struct json_table resolve_table = {resolve_fields,
                                                sizeof resolve_fields / sizeof *resolve_fields,
                                                sizeof(struct step_input), false};

static enum err read(struct capture_job *job, struct fault *fault)
{
    struct step_input *input = arena_alloc(&job->arena, 1, sizeof *input);
    if (!input)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    job->input = input;
    enum err err = json_read(job->doc, job->kind == CAPTURE_ASSIGN ? &assign_table : &resolve_table,
                             input, &job->arena, fault);
    if (!err)
        err = cardnumber_refuse(input->owner, "owner", NULL, fault);
    if (!err)
        err = cardnumber_refuse(input->how, "how", NULL, fault);
    if (!err)
        err = cardnumber_refuse(input->note, "note", NULL, fault);
    return err;
}

static void write_step(struct buf *out, const struct release *release,
                       const struct exception_state *state)
{
    const struct step_input *input = release->job->input;
    bool assign = release->job->kind == CAPTURE_ASSIGN;
    char id[ID_TEXT + 1];
    id_format(&state->id, id);
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    write_day(&w, release);
    jsonw_text(&w, "exception", id);
    jsonw_text(&w, "code", state->code);
    jsonw_text(&w, "state", exception_step_words[assign ? EXCEPTION_ASSIGNED : EXCEPTION_RESOLVED]);
    jsonw_text(&w, "owner", assign ? input->owner : state->owner);
    if (!assign)
        jsonw_text(&w, "how", input->how);
    if (input->note && input->note[0])
        jsonw_text(&w, "note", input->note);
    jsonw_end(&w);
}

static enum err answer(struct capture_job *job, const struct views *views,
                       const struct exception_state *state, const struct id *first,
                       struct fault *fault)
{
    struct exception_state after;
    enum err err =
        exception_view_after(views, &job->subject, &state->subject, first, &after, fault);
    if (err)
        return err;
    struct jsonw w = jsonw_to(&job->answer);
    exception_state_write(&after, 0, &w);
    return ERR_OK;
}

static enum err append(struct release *release, const struct exception_state *state,
                       struct fault *fault)
{
    struct buf data CLEANUP(buf_free);
    buf_init(&data, DATA_MAX);
    write_step(&data, release, state);
    enum err err = buf_check(&data, fault, "exception");
    return err ? err : release_append(release, EVENT_EXCEPTION_RESOLVED, buf_slice(&data), fault);
}

static enum err decide(struct capture_job *job, struct eventlog_txn *txn, struct fault *fault)
{
    struct views views = views_of_txn(txn);
    struct exception_state state;
    struct return_state returned;
    enum err err = exception_view_find(&views, &job->subject, &state, fault);
    if (!err && state.step == EXCEPTION_RESOLVED)
        err = fault_set(fault, ERR_REFUSED, "exception_resolved", "it is resolved already: %s",
                        state.how);
    if (!err)
        err = return_view_find(&views, &state.subject, &returned, fault);
    if (err)
        return err;
    struct release release = {
        .job = job, .txn = txn, .id = state.subject, .sequence = returned.sequence};
    err = append(&release, &state, fault);
    return err ? err : answer(job, &views, &state, &release.first, fault);
}

static enum err replay(struct capture_job *job, struct eventlog_txn *txn,
                       const struct eventlog_record *first, struct fault *fault)
{
    struct views views = views_of_txn(txn);
    struct exception_state state = {.subject = first->event.correlation};
    return answer(job, &views, &state, &first->event.id, fault);
}

const struct capture_work capture_exception_work = {
    .read = read, .decide = decide, .replay = replay};
