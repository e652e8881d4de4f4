#include "agent/views/return_answer.h"
#include "agent/returns/words.h"
#include "hal/base/json_scan.h"
#include "hal/base/jsonw.h"

struct fold {
    const struct return_answer *how;
    struct return_state now;   /* after the event just read */
    struct return_state state; /* after the last event that belongs to the answer */
    struct buf created;        /* the data of return.created */
    struct buf history;
    struct jsonw history_writer;
};

/* Belongs to the command that began with `after`. */
static bool belongs(const struct return_answer *how, const struct event *event)
{
    return !how->after || id_equal(&event->id, how->after) ||
           (event->has_causation && id_equal(&event->causation, how->after));
}

static void write_history(struct jsonw *w, const struct eventlog_record *record)
{
    char id[ID_TEXT + 1];
    id_format(&record->event.id, id);
    jsonw_object(w, NULL);
    jsonw_text(w, "id", id);
    jsonw_text(w, "type", event_type_name(record->event.type));
    jsonw_time(w, "time", record->event.time_ms);
    jsonw_text(w, "stream", stream_name(record->stream));
    jsonw_int(w, "seq", record->seq);
    jsonw_raw(w, "data", record->event.data);
    jsonw_end(w);
}

static enum err fold_one(void *context, const struct eventlog_record *record, struct fault *fault)
{
    struct fold *fold = context;
    if (fold->how->with_history)
        write_history(&fold->history_writer, record);
    enum err err = return_state_apply(&fold->now, record, fault);
    if (err_class(err) == ERR_CLASS_PARK)
        err = ERR_OK; /* late news changes nothing */
    if (belongs(fold->how, &record->event))
        fold->state = fold->now;
    if (record->event.type == EVENT_RETURN_CREATED && !fold->created.len)
        buf_append(&fold->created, record->event.data.data, record->event.data.len);
    return err;
}

/* A member as it stands, its key too. */
static void copy_part(struct jsonw *w, const struct json_part *part)
{
    const char *from = part->key.data - 1;
    const char *end = part->value.data + part->value.len;
    jsonw_raw(w, NULL, (struct slice){from, (size_t)(end - from)});
}

/* A tender of return.created, with what is known of it now. */
static enum err write_tender(struct jsonw *w, struct slice tender, const char *now,
                             struct fault *fault)
{
    struct json_scan scan;
    struct json_part part;
    bool found = true;
    bool told = false;
    enum err err = json_scan_begin(&scan, tender, JSON_LIMITS_CHECKED, '{', fault);
    jsonw_object(w, NULL);
    while (!err && (err = json_scan_next(&scan, &part, &found, fault)) == ERR_OK && found) {
        if (slice_is(part.key, "state")) {
            jsonw_text(w, "state", now);
            told = true;
        } else {
            copy_part(w, &part);
        }
    }
    if (!told)
        jsonw_text(w, "state", now);
    jsonw_end(w);
    return err;
}

/* Rounding is never paid out, so nothing becomes of it; nor is anything known of a further kind. */
static bool has_track(struct slice tender)
{
    static const char *const names[] = {"type"};
    struct slice type;
    return json_scan_members(tender, JSON_LIMITS_CHECKED, names, 1, &type, NULL) == ERR_OK &&
           type.data && !slice_is(type, "\"rounding\"");
}

static enum err write_tenders(struct jsonw *w, struct slice tenders, const struct tracks *tracks,
                              struct fault *fault)
{
    struct json_scan scan;
    struct json_part part;
    bool found = true;
    size_t position = 0;
    enum err err = json_scan_begin(&scan, tenders, JSON_LIMITS_CHECKED, '[', fault);
    jsonw_array(w, "tenders");
    while (!err && (err = json_scan_next(&scan, &part, &found, fault)) == ERR_OK && found) {
        if (position < tracks->tender_count && has_track(part.value))
            err =
                write_tender(w, part.value, tender_state_words[tracks->tenders[position++]], fault);
        else
            jsonw_raw(w, NULL, part.value);
    }
    jsonw_end(w);
    return err;
}

/* What return.created said of the refund, with what the tracks say now. */
static enum err write_refund(struct jsonw *w, struct slice refund, const struct tracks *tracks,
                             struct fault *fault)
{
    struct json_scan scan;
    struct json_part part;
    bool found = true;
    enum err err = json_scan_begin(&scan, refund, JSON_LIMITS_CHECKED, '{', fault);
    jsonw_object(w, "refund");
    while (!err && (err = json_scan_next(&scan, &part, &found, fault)) == ERR_OK && found) {
        if (slice_is(part.key, "tenders"))
            err = write_tenders(w, part.value, tracks, fault);
        else
            copy_part(w, &part);
    }
    jsonw_end(w);
    return err;
}

/* What an answer is written from. */
struct told {
    const struct return_state *state;
    struct slice created; /* the data of return.created */
    struct slice history; /* empty: without */
    int64_t through;
};

static const char *posting_word(const struct told *told)
{
    const struct tracks *tracks = &told->state->tracks;
    if (tracks->posting == POSTING_NONE && return_state_live(told->state) &&
        told->state->created_seq <= told->through)
        return posting_words[POSTING_QUEUED];
    return posting_words[tracks->posting];
}

enum { POLICY, RULE, REASONS, CONTACT, LINES, REFUND, COPIED };
static const char *const copied_names[COPIED] = {"policy",          "rule",  "reasons",
                                                 "contact_unsaved", "lines", "refund"};

static enum err write_copied(struct jsonw *w, const struct told *told, struct fault *fault)
{
    struct slice values[COPIED];
    enum err err =
        json_scan_members(told->created, JSON_LIMITS_CHECKED, copied_names, COPIED, values, fault);
    if (err)
        return err;
    for (size_t i = 0; i < REFUND; i++)
        if (values[i].data)
            jsonw_raw(w, copied_names[i], values[i]);
    return values[REFUND].data ? write_refund(w, values[REFUND], &told->state->tracks, fault)
                               : ERR_OK;
}

static enum err write_return(struct jsonw *w, const struct told *told, struct fault *fault)
{
    const struct return_state *state = told->state;
    char id[ID_TEXT + 1];
    id_format(&state->id, id);
    jsonw_object(w, NULL);
    jsonw_text(w, "return_id", id);
    jsonw_text(w, "number", state->number);
    jsonw_text(w, "receipt", state->receipt[0] ? state->receipt : NULL);
    jsonw_text(w, "decision", verdict_words[state->tracks.verdict]);
    enum err err = write_copied(w, told, fault);
    jsonw_text(w, "goods", goods_words[state->tracks.goods]);
    jsonw_text(w, "money", money_words[state->tracks.money]);
    jsonw_text(w, "posting", posting_word(told));
    jsonw_bool(w, "complete", state->tracks.complete);
    jsonw_time(w, "created_at", state->created_ms);
    jsonw_int(w, "seq", state->created_seq);
    jsonw_bool(w, "saved", true);
    if (told->history.len)
        jsonw_raw(w, "history", told->history);
    jsonw_end(w);
    return err ? err : buf_check(w->out, fault, "answer");
}

static enum err write_folded(const struct fold *fold, struct buf *out, struct fault *fault)
{
    enum err err = buf_check(&fold->created, fault, "return");
    if (!err)
        err = buf_check(&fold->history, fault, "history");
    if (!err && !fold->created.len)
        err = fault_set(fault, ERR_NOT_FOUND, "return", "no return has this id");
    if (err)
        return err;
    const struct slice none = {"", 0};
    const struct told told = {
        .state = &fold->state,
        .created = buf_slice(&fold->created),
        .history = fold->how->with_history ? buf_slice(&fold->history) : none,
        .through = fold->how->through,
    };
    struct jsonw w = jsonw_to(out);
    return write_return(&w, &told, fault);
}

enum err return_answer_write(const struct views *views, const struct id *id,
                             const struct return_answer *how, struct buf *out, struct fault *fault)
{
    struct fold fold = {.how = how};
    buf_init(&fold.created, EVENT_BODY_MAX);
    buf_init(&fold.history, 4 * EVENT_BODY_MAX);
    fold.history_writer = jsonw_to(&fold.history);
    jsonw_array(&fold.history_writer, NULL);
    enum err err = views_history(views, id, fold_one, &fold, fault);
    jsonw_end(&fold.history_writer);
    if (!err)
        err = write_folded(&fold, out, fault);
    buf_free(&fold.created);
    buf_free(&fold.history);
    return err;
}

enum err return_answer_created(const struct return_state *state, struct slice created,
                               struct buf *out, struct fault *fault)
{
    struct jsonw w = jsonw_to(out);
    return write_return(&w, &(struct told){.state = state, .created = created}, fault);
}
