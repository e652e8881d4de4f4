#include "agent/capture/replay.h"
#include "agent/returns/facts_json.h"
#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"

struct replaying {
    const struct views *views;
    const struct return_state *state; /* the return that is decided again */
    struct arena *arena;
    struct replay *replay;
    bool time_trusted;
};

/* --- What was returned before ------------------------------------------------------------------
 */

/* Another return of the sale, as far as it had come when the one in question was created. */
struct other {
    const struct replaying *replaying;
    struct return_state state;
    struct cJSON *created;
};

static void other_cleanup(struct other *other)
{
    json_free(other->created);
}

static bool was_before(const struct replaying *r, const struct eventlog_record *record)
{
    if (record->stream == STREAM_CENTRE) /* its numbers are not those of our log */
        return record->event.time_ms <= r->state->created_ms;
    return record->seq < r->state->created_seq;
}

static enum err fold(void *context, const struct eventlog_record *record, struct fault *fault)
{
    struct other *other = context;
    if (!was_before(other->replaying, record))
        return ERR_OK;
    if (record->event.type == EVENT_RETURN_CREATED && !other->created) {
        enum err err = json_parse(record->event.data, JSON_LIMITS_DEFAULT, &other->created, fault);
        if (err)
            return err;
    }
    enum err err = return_state_apply(&other->state, record, fault);
    return err_class(err) == ERR_CLASS_PARK ? ERR_OK : err;
}

static enum err add_return(void *context, const struct return_state *state, struct fault *fault)
{
    struct replaying *r = context;
    if (state->created_seq >= r->state->created_seq)
        return ERR_OK;
    struct other other CLEANUP(other_cleanup) = {.replaying = r};
    enum err err = views_history(r->views, &state->id, fold, &other, fault);
    if (err || !other.created || !return_state_live(&other.state))
        return err;
    struct question *question = &r->replay->question;
    return history_add_json(&question->history, &question->found.sale, other.created, r->arena,
                            fault);
}

static enum err read_sale(struct replaying *r, const struct cJSON *sale, struct fault *fault)
{
    struct question *question = &r->replay->question;
    enum err err =
        sale_read(sale, &cardnumber_checked_before, r->arena, &question->found.sale, fault);
    if (!err)
        err = history_init(&question->found.sale, r->arena, &question->history, fault);
    if (err)
        return err;
    question->has_sale = true;
    return return_view_of_sale(r->views, &r->state->sale, add_return, r, fault);
}

/* --- What was known ----------------------------------------------------------------------------
 */

static enum err read_facts(struct replaying *r, struct fault *fault)
{
    const struct cJSON *created = r->replay->created;
    const char *country = json_member_text(created, "country");
    struct facts *facts = &r->replay->question.facts;
    *facts = (struct facts){
        .now_ms = r->state->created_ms,
        .clock_trusted = r->time_trusted,
        .store = json_member_text(created, "store"),
        .country = country ? country : "",
        .currency = json_member_text(created, "currency"),
    };
    return facts_read(json_member(created, "facts"), r->arena, facts, fault);
}

static enum err take_created(void *context, const struct eventlog_record *record,
                             struct fault *fault)
{
    struct replaying *r = context;
    if (record->event.type != EVENT_RETURN_CREATED || r->replay->created)
        return ERR_OK;
    r->time_trusted = record->event.time_trusted;
    return json_parse(record->event.data, JSON_LIMITS_DEFAULT, &r->replay->created, fault);
}

/* --- The decision ------------------------------------------------------------------------------
 */

static enum err gather(struct replaying *r, struct fault *fault)
{
    struct replay *replay = r->replay;
    enum err err =
        return_request_read(json_member(replay->created, "request"), &cardnumber_checked_before,
                            r->arena, &replay->request, fault);
    if (!err)
        err = read_facts(r, fault);
    if (err)
        return err;
    replay->question.request = &replay->request;
    const struct cJSON *sale = json_member(replay->created, "sale");
    return sale ? read_sale(r, sale, fault) : ERR_OK;
}

enum err replay_decide(const struct views *views, const struct return_state *state,
                       const struct policy *policy, struct arena *arena, struct replay *replay,
                       struct fault *fault)
{
    struct replaying r = {.views = views, .state = state, .arena = arena, .replay = replay};
    enum err err = views_history(views, &state->id, take_created, &r, fault);
    if (!err && !replay->created)
        err = fault_set(fault, ERR_NOT_FOUND, "return", "its first event is no longer kept here");
    if (!err)
        err = gather(&r, fault);
    if (err)
        return err;
    struct question *question = &replay->question;
    struct decide_input in = {
        .sale = question->has_sale ? &question->found.sale : NULL,
        .history = question->has_sale ? &question->history : NULL,
        .request = &replay->request,
        .policy = policy,
        .facts = &question->facts,
        .exchange_minor = json_member_int(json_member(replay->created, "refund"), "applied", 0),
    };
    return returns_decide(&in, arena, &question->decision, fault);
}

void replay_cleanup(struct replay *replay)
{
    question_cleanup(&replay->question);
    json_free(replay->created);
    replay->created = NULL;
}
