#include "agent/capture/exception.h"
#include "agent/returns/cardnumber.h"
#include "agent/returns/eligibility.h"
#include "agent/views/exception_view.h"
#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { NOTE_MAX = 500, DATA_MAX = 16 * 1024, DETAIL_MAX = 160 };

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

/* Who has to do with it; the others are the store manager's. */
static const struct {
    const char *code;
    const char *owner;
} owners[] = {
    {"disputed", "finance"},       {"currency_mismatch", "finance"},
    {"unmapped_code", "finance"},  {"tax_jurisdiction_mismatch", "finance"},
    {"amount_rebased", "finance"}, {"tax_payment_mismatch", "finance"},
    {"id_body_conflict", "it"},
};

static const char *owner_of(const char *code)
{
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++)
        if (strcmp(owners[i].code, code) == 0)
            return owners[i].owner;
    return "manager";
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

static enum err append_raised(struct release *release, const struct id *id, const char *code,
                              const char *detail, struct fault *fault)
{
    char text[ID_TEXT + 1];
    id_format(id, text);
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

static struct id new_id(const struct eventlog_txn *txn)
{
    struct id_source ids;
    id_source_init(&ids, NULL, NULL);
    return id_next(&ids, eventlog_txn_now(txn).wall_ms);
}

enum err exception_raise(struct release *release, const char *code, const char *detail,
                         struct fault *fault)
{
    struct id id = new_id(release->txn);
    return append_raised(release, &id, code, detail, fault);
}

const char *exception_of_reason(const char *reason)
{
    for (size_t i = 0; reason && i < sizeof meanings / sizeof *meanings; i++)
        if (strcmp(meanings[i].reason, reason) == 0)
            return meanings[i].code;
    return NULL;
}

static const struct decided_reason *first_reason(const struct decision *decision,
                                                 const char *reason)
{
    for (size_t i = 0; i < decision->reason_count; i++)
        if (strcmp(decision->reasons[i].code, reason) == 0)
            return &decision->reasons[i];
    return NULL;
}

/* What finance has to know of it: whose tax it is. */
static const char *tax_abroad(const struct decision *decision, const char *country)
{
    for (size_t i = 0; i < decision->line_count; i++)
        for (size_t k = 0; k < decision->lines[i].tax_count; k++) {
            const char *jurisdiction = decision->lines[i].taxes[k].charged->jurisdiction;
            if (!jurisdiction_is_of(jurisdiction, country))
                return jurisdiction;
        }
    return "";
}

static void write_detail(char detail[static DETAIL_MAX], const struct decided_reason *reason,
                         const struct decision *decision, const char *country)
{
    detail[0] = '\0';
    if (reason->request_index != DECISION_NO_INDEX)
        (void)snprintf(detail, DETAIL_MAX, "lines[%zu]", reason->request_index);
    else if (strcmp(reason->code, "tax_jurisdiction_mismatch") == 0)
        (void)snprintf(detail, DETAIL_MAX, "taxed in %s, taken back in %s",
                       tax_abroad(decision, country), country);
}

enum err exception_raise_reasons(struct release *release, const struct decision *decision,
                                 struct fault *fault)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings && !err; i++) {
        const struct decided_reason *reason = first_reason(decision, meanings[i].reason);
        if (!reason || (reason->outcome == OUTCOME_ACCEPTED && !meanings[i].always))
            continue;
        char detail[DETAIL_MAX];
        write_detail(detail, reason, decision, release->job->capture->config.store.country);
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

static enum err count_event(void *context, const struct eventlog_record *record,
                            struct fault *fault)
{
    (void)fault;
    if (record->stream != STREAM_CENTRE)
        ++*(int64_t *)context;
    return ERR_OK;
}

/* How many events of ours the return, or an exception of none, has so far. */
static enum err find_sequence(const struct views *views, struct release *release,
                              struct fault *fault)
{
    struct return_state returned;
    if (release->of_no_return)
        return views_history(views, &release->id, count_event, &release->sequence, fault);
    enum err err = return_view_find(views, &release->id, &returned, fault);
    if (!err)
        release->sequence = returned.sequence;
    return err;
}

static enum err decide(struct capture_job *job, struct eventlog_txn *txn, struct fault *fault)
{
    struct views views = views_of_txn(txn);
    struct exception_state state;
    struct release release = {.job = job, .txn = txn};
    enum err err = exception_view_find(&views, &job->subject, &state, fault);
    if (!err && state.step == EXCEPTION_RESOLVED)
        err = fault_set(fault, ERR_REFUSED, "exception_resolved", "it is resolved already: %s",
                        state.how);
    if (err)
        return err;
    release.id = state.subject;
    release.of_no_return = exception_of_no_return(&state);
    err = find_sequence(&views, &release, fault);
    if (!err)
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

/* --- Raising one of no return ------------------------------------------------------------------
 */

struct raise_input {
    const char *code;
    const char *detail;
};

#define RAISE(member) offsetof(struct raise_input, member)
static const struct json_field raise_fields[] = {
    {.name = "code", .kind = JSON_TEXT, .offset = RAISE(code), .min = 1, .max = EXCEPTION_CODE_MAX},
    {.name = "detail",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = RAISE(detail),
     .max = EXCEPTION_TEXT_MAX},
};
static const struct json_table raise_table = {
    raise_fields, sizeof raise_fields / sizeof *raise_fields, sizeof(struct raise_input), false};

static enum err read_raise(struct capture_job *job, struct fault *fault)
{
    struct raise_input *input = arena_alloc(&job->arena, 1, sizeof *input);
    if (!input)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    job->input = input;
    enum err err = json_read(job->doc, &raise_table, input, &job->arena, fault);
    return err ? err : cardnumber_refuse(input->detail, "detail", NULL, fault);
}

static enum err answer_raised(struct capture_job *job, const struct views *views,
                              const struct id *id, const struct id *first, struct fault *fault)
{
    job->subject = *id;
    struct exception_state state = {.subject = *id};
    return answer(job, views, &state, first, fault);
}

static enum err decide_raise(struct capture_job *job, struct eventlog_txn *txn, struct fault *fault)
{
    const struct raise_input *input = job->input;
    struct views views = views_of_txn(txn);
    struct release release = {.job = job, .txn = txn, .id = new_id(txn), .of_no_return = true};
    enum err err = append_raised(&release, &release.id, input->code, input->detail, fault);
    return err ? err : answer_raised(job, &views, &release.id, &release.first, fault);
}

static enum err replay_raise(struct capture_job *job, struct eventlog_txn *txn,
                             const struct eventlog_record *first, struct fault *fault)
{
    struct views views = views_of_txn(txn);
    return answer_raised(job, &views, &first->event.correlation, &first->event.id, fault);
}

const struct capture_work capture_raise_work = {
    .read = read_raise, .decide = decide_raise, .replay = replay_raise};
