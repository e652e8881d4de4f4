/*
 * The commands about goods: they have come, they were looked at, they go somewhere. Goods may come
 * and go in parts; the track moves with the last of them.
 */
#include "agent/capture/change.h"
#include "agent/capture/exception.h"
#include "agent/returns/disposition.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct policy *policy_of(const struct change *change)
{
    return change->job->capture->config.policy;
}

static const struct cJSON *created_line(const struct change *change, int64_t number)
{
    const struct cJSON *line = json_first(json_member(change->created, "lines"));
    for (; line; line = json_next(line))
        if (json_member_int(line, "line", -1) == number)
            return line;
    return NULL;
}

static bool knows_condition(const struct policy *policy, const char *condition)
{
    return policy_condition(policy, condition) < policy->condition_count;
}

/* --- What there is --------------------------------------------------------------------------- */

/* How many units of a line a command may still name; `from` NULL: of those at the counter. */
static int64_t left_of(const struct goods_line *line, bool receiving, const char *from)
{
    if (receiving)
        return line->quantity - line->received;
    if (from && strcmp(from, "repair") == 0)
        return line->repair;
    return from ? line->quarantine : line->received - line->disposed;
}

/* Takes it off at once, so that a line named twice in one command is counted twice. */
static void count(struct goods_line *line, bool receiving, const struct change_line *said)
{
    if (receiving)
        line->received += said->quantity;
    else if (!said->from)
        line->disposed += said->quantity;
    else if (strcmp(said->from, "repair") == 0)
        line->repair -= said->quantity;
    else
        line->quarantine -= said->quantity;
}

__attribute__((format(printf, 4, 5))) static enum err
invalid(struct fault *fault, size_t index, const char *field, const char *format, ...)
{
    char where[FAULT_WHERE_MAX];
    char text[FAULT_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)snprintf(where, sizeof where, "lines[%zu].%s", index, field);
    return fault_set(fault, ERR_INVALID, where, "%s", text);
}

static enum err check_line(const struct change *change, size_t index, bool receiving,
                           struct fault *fault)
{
    const struct change_line *said = &change->input->lines[index];
    if (said->condition && !knows_condition(policy_of(change), said->condition))
        return invalid(fault, index, "condition", "the policy knows no condition \"%s\"",
                       said->condition);
    struct goods_line *line = goods_find(&change->goods, said->line);
    if (!line)
        return invalid(fault, index, "line", "%s",
                       created_line(change, said->line) ? "no goods of this line come back"
                                                        : "this return has no such line");
    int64_t left = left_of(line, receiving, said->from);
    if (said->quantity > left)
        return invalid(fault, index, "quantity", "more than the %lld %s", (long long)left,
                       receiving    ? "that are still to come"
                       : said->from ? "that lie there"
                                    : "that are here and wait");
    count(line, receiving, said);
    return ERR_OK;
}

static enum err check_lines(const struct change *change, bool receiving, struct fault *fault)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < change->input->line_count && !err; i++)
        err = check_line(change, i, receiving, fault);
    return err;
}

/*
 * The track moves when nothing is left. A part of the goods may come and go while the others are
 * still expected; whether that is possible at all is asked of the tables too.
 */
static enum err move(struct change *change, enum command command, int64_t left, struct fault *fault)
{
    struct tracks before = change->state.tracks;
    bool part = left > 0;
    if (part && command == COMMAND_DISPOSE && before.goods == GOODS_EXPECTED)
        change->state.tracks.goods = GOODS_RECEIVED;
    enum err err = change_move(change, command, 0, fault);
    if (err || part)
        change->state.tracks = before;
    return err;
}

/* --- Where the goods go ---------------------------------------------------------------------- */

static int meaning_of(const struct change *change, const char *condition)
{
    const struct policy *policy = policy_of(change);
    return condition && knows_condition(policy, condition)
               ? policy->conditions[policy_condition(policy, condition)].means
               : -1;
}

/* Goods that are damaged though they were announced sound are a person's business. */
static enum err raise_damaged(struct change *change, struct fault *fault)
{
    for (size_t i = 0; i < change->input->line_count; i++) {
        const struct change_line *line = &change->input->lines[i];
        const char *told = json_member_text(created_line(change, line->line), "condition");
        if (meaning_of(change, line->condition) != CONDITION_DAMAGED ||
            meaning_of(change, told) == CONDITION_DAMAGED)
            continue;
        char detail[48];
        (void)snprintf(detail, sizeof detail, "line %lld", (long long)line->line);
        return exception_raise(&change->release, "damaged_goods", detail, fault);
    }
    return ERR_OK;
}

struct route {
    int disposition;  /* enum disposition */
    const char *rule; /* "" when a person said it */
};

static const char *or_else(const char *text, const char *other)
{
    return text ? text : other;
}

/* Where the policy sends goods in the condition found; the sale is the one in return.created. */
static enum err route_by_policy(const struct change *change, const struct change_line *line,
                                struct route *route, struct fault *fault)
{
    const struct cJSON *told = created_line(change, line->line);
    const struct cJSON *doc = json_member(change->created, "sale");
    struct disposition_goods goods = {
        .quantity = line->quantity,
        .reason = or_else(json_member_text(told, "reason"), ""),
        .condition = or_else(line->condition, or_else(json_member_text(told, "condition"), "")),
    };
    struct sale sale;
    if (doc) {
        enum err err =
            sale_read(doc, &cardnumber_checked_before, &change->job->arena, &sale, fault);
        if (err)
            return err;
        goods.sale = &sale;
        goods.sale_index = sale_line_index(&sale, line->line);
    }
    return disposition_inspected(policy_of(change), &goods, &route->disposition, &route->rule,
                                 fault);
}

static enum err route(const struct change *change, const struct change_line *line,
                      struct route *route, struct fault *fault)
{
    *route = (struct route){line->disposition, ""};
    enum err err = line->has_disposition ? ERR_OK : route_by_policy(change, line, route, fault);
    if (!err && route->disposition == DISPOSITION_UNDECIDED)
        err = fault_set(fault, ERR_REFUSED, "disposition",
                        "the policy has no place for such goods: say where they go");
    return err;
}

static void write_disposed(struct jsonw *w, const struct change_line *line,
                           const struct route *route)
{
    jsonw_object(w, NULL);
    jsonw_int(w, "line", line->line);
    jsonw_int(w, "quantity", line->quantity);
    if (line->condition)
        jsonw_text(w, "condition", line->condition);
    jsonw_text(w, "disposition", disposition_words[route->disposition]);
    if (route->rule[0])
        jsonw_text(w, "rule", route->rule);
    if (line->from)
        jsonw_text(w, "from", line->from);
    if (line->has_nrv)
        jsonw_int(w, "nrv", line->nrv_minor);
    jsonw_end(w);
}

static void write_rest(struct jsonw *w, int64_t left)
{
    jsonw_end(w);
    if (left > 0)
        jsonw_int(w, "rest", left);
}

/* Goods that are back on the shelf: stock systems listen to this and to nothing else. */
static enum err append_restocked(struct change *change, const struct route *routes,
                                 struct fault *fault)
{
    bool any = false;
    struct jsonw w = change_data(change);
    jsonw_array(&w, "lines");
    for (size_t i = 0; i < change->input->line_count; i++) {
        const struct change_line *line = &change->input->lines[i];
        if (routes[i].disposition != DISPOSITION_RESTOCK)
            continue;
        any = true;
        jsonw_object(&w, NULL);
        jsonw_int(&w, "line", line->line);
        jsonw_int(&w, "quantity", line->quantity);
        jsonw_end(&w);
    }
    jsonw_end(&w);
    return any ? change_append(change, &w, EVENT_INVENTORY_RESTOCKED, fault) : ERR_OK;
}

static bool goes_now(const struct change *change, const struct change_line *line)
{
    return change->job->kind == CAPTURE_DISPOSE || line->has_disposition;
}

static enum err append_disposed(struct change *change, struct fault *fault)
{
    struct route *routes =
        arena_alloc(&change->job->arena, change->input->line_count, sizeof *routes);
    if (!routes)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    bool any = false;
    enum err err = ERR_OK;
    struct jsonw w = change_data(change);
    jsonw_array(&w, "lines");
    for (size_t i = 0; i < change->input->line_count && !err; i++) {
        const struct change_line *line = &change->input->lines[i];
        if (!goes_now(change, line))
            continue;
        any = true;
        err = route(change, line, &routes[i], fault);
        if (!err)
            write_disposed(&w, line, &routes[i]);
    }
    if (err || !any)
        return err;
    int64_t left = goods_to_dispose(&change->goods);
    write_rest(&w, left);
    err = move(change, COMMAND_DISPOSE, left, fault);
    if (!err)
        err = change_append(change, &w, EVENT_ITEM_DISPOSITIONED, fault);
    return err ? err : append_restocked(change, routes, fault);
}

/* --- The commands ---------------------------------------------------------------------------- */

static enum err append_received(struct change *change, struct fault *fault)
{
    int64_t left = goods_to_come(&change->goods);
    enum err err = move(change, COMMAND_RECEIVE, left, fault);
    if (err)
        return err;
    struct jsonw w = change_data(change);
    jsonw_array(&w, "lines");
    for (size_t i = 0; i < change->input->line_count; i++) {
        const struct change_line *line = &change->input->lines[i];
        jsonw_object(&w, NULL);
        jsonw_int(&w, "line", line->line);
        jsonw_int(&w, "quantity", line->quantity);
        jsonw_text(&w, "condition", line->condition);
        jsonw_end(&w);
    }
    write_rest(&w, left);
    return change_append(change, &w, EVENT_ITEM_RECEIVED, fault);
}

/* What goes somewhere at once is counted as disposed only after all of it has come. */
static void count_disposed(struct change *change)
{
    for (size_t i = 0; i < change->input->line_count; i++) {
        const struct change_line *line = &change->input->lines[i];
        if (line->has_disposition)
            goods_find(&change->goods, line->line)->disposed += line->quantity;
    }
}

/* The tables speak first: a return that waits for nobody's goods says so. */
static enum err check_state(struct change *change, enum command command, struct fault *fault)
{
    struct tracks before = change->state.tracks;
    bool some_here = command == COMMAND_DISPOSE && before.goods == GOODS_EXPECTED &&
                     goods_to_come(&change->goods) < goods_to_dispose(&change->goods);
    enum err err = some_here ? ERR_OK : change_move(change, command, 0, fault);
    change->state.tracks = before;
    return err;
}

enum err change_receive(struct change *change, struct fault *fault)
{
    enum err err = check_state(change, COMMAND_RECEIVE, fault);
    if (!err)
        err = check_lines(change, true, fault);
    if (!err)
        err = append_received(change, fault);
    if (!err)
        err = raise_damaged(change, fault);
    if (err)
        return err;
    count_disposed(change);
    return append_disposed(change, fault);
}

enum err change_dispose(struct change *change, struct fault *fault)
{
    enum err err = check_state(change, COMMAND_DISPOSE, fault);
    if (!err)
        err = check_lines(change, false, fault);
    if (!err)
        err = append_disposed(change, fault);
    return err ? err : raise_damaged(change, fault);
}
