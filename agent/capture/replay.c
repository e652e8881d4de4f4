#include "agent/capture/replay.h"
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
    struct cJSON *data CLEANUP(json_cleanup) = NULL;
    enum err err = json_parse(record->event.data, JSON_LIMITS_DEFAULT, &data, fault);
    if (err)
        return err;
    err = return_state_apply(&other->state, record, data, fault);
    if (record->event.type == EVENT_RETURN_CREATED && !other->created) {
        other->created = data;
        data = NULL;
    }
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
    enum err err = sale_read(sale, NULL, r->arena, &question->found.sale, fault);
    if (!err)
        err = history_init(&question->found.sale, r->arena, &question->history, fault);
    if (err)
        return err;
    question->has_sale = true;
    return return_view_of_sale(r->views, &r->state->sale, add_return, r, fault);
}

/* --- What was known ----------------------------------------------------------------------------
 */

static bool is_true(const struct cJSON *object, const char *name)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, 16);
    const struct cJSON *value = json_member(object, name);
    if (value)
        json_print(value, &text);
    return slice_is(buf_slice(&text), "true");
}

static void read_velocity(const struct cJSON *list, struct facts *facts)
{
    for (const struct cJSON *one = json_first(list); one; one = json_next(one)) {
        const char *word = json_member_text(one, "per");
        int per = word ? word_find(velocity_words, word) : -1;
        if (per < 0)
            continue;
        facts->velocity[per].returns = json_member_int(one, "returns", 0);
        facts->velocity[per].amount_minor = json_member_int(one, "amount", 0);
    }
}

static void read_facts(struct replaying *r)
{
    const struct cJSON *created = r->replay->created;
    const struct cJSON *known = json_member(created, "facts");
    const char *country = json_member_text(created, "country");
    struct facts *facts = &r->replay->question.facts;
    *facts = (struct facts){
        .now_ms = r->state->created_ms,
        .utc_offset_minutes = (int32_t)json_member_int(known, "utc_offset_minutes", 0),
        .clock_trusted = r->time_trusted,
        .link_up = is_true(known, "link_up"),
        .manager = is_true(known, "manager"),
        .store = json_member_text(created, "store"),
        .country = country ? country : "",
        .currency = json_member_text(created, "currency"),
    };
    read_velocity(json_member(known, "velocity"), facts);
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

static enum err gather(struct replaying *r, const struct policy *policy, struct fault *fault)
{
    struct replay *replay = r->replay;
    enum err err = return_request_read(json_member(replay->created, "request"), NULL, r->arena,
                                       &replay->request, fault);
    if (err)
        return err;
    replay->question.request = &replay->request;
    read_facts(r);
    const struct cJSON *sale = json_member(replay->created, "sale");
    if (sale)
        return read_sale(r, sale, fault);
    if (replay->request.receipt)
        return ERR_OK;
    struct capture_config store = {.policy = policy};
    struct question_asked asked = {
        .store = &store, .request = &replay->request, .now = {.wall_ms = r->state->created_ms}};
    return question_items(r->views, &asked, r->arena, &replay->question, fault);
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
        err = gather(&r, policy, fault);
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
