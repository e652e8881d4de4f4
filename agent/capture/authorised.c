#include "agent/capture/authorised.h"
#include "agent/returns/fields.h"
#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"

#include <string.h>

struct authorised {
    const char *receipt;
    int64_t valid_until_ms;
    bool has_valid_until;
    struct fact_authorised_line *lines;
    size_t line_count;
};

#define OPEN_TABLE(list, type)                                                                     \
    {                                                                                              \
        .fields = list, .count = FIELD_COUNT(list), .item_size = sizeof(struct type),              \
        .allow_unknown = true                                                                      \
    }
#define WHOLE(field, member)                                                                       \
    {                                                                                              \
        .name = field, .kind = JSON_INT, AT(fact_authorised_line, member),                         \
        .max = SALE_QUANTITY_MAX                                                                   \
    }

static const struct json_field line_fields[] = {WHOLE("line", line), WHOLE("quantity", left)};
static const struct json_table line_table = OPEN_TABLE(line_fields, fact_authorised_line);
static const struct json_field fields[] = {
    NAME(authorised, "receipt", receipt),
    {.name = "valid_until",
     .kind = JSON_TIME,
     .presence = JSON_OPTIONAL,
     AT(authorised, valid_until_ms),
     .present_offset = offsetof(struct authorised, has_valid_until)},
    LIST(authorised, "lines", lines, line_count, line_table, 1, SALE_LINES_MAX),
};
static const struct json_table table = OPEN_TABLE(fields, authorised);

struct counting {
    const char *number;
    const struct id *except;
    struct authorised *authorised;
};

static void use(struct authorised *authorised, int64_t line, int64_t quantity)
{
    for (size_t i = 0; i < authorised->line_count; i++) {
        struct fact_authorised_line *allowed = &authorised->lines[i];
        if (allowed->line == line)
            allowed->left -= quantity < allowed->left ? quantity : allowed->left;
    }
}

static enum err count_used(void *context, const struct return_given_back *given,
                           struct fault *fault)
{
    struct counting *counting = context;
    struct cJSON *body CLEANUP(json_cleanup) = NULL;
    if (counting->except && id_equal(&given->id, counting->except))
        return ERR_OK;
    enum err err = json_parse(given->body, JSON_LIMITS_DEFAULT, &body, fault);
    if (err)
        return err;
    const char *number = json_member_text(body, "authorisation");
    if (!number || strcmp(number, counting->number) != 0)
        return ERR_OK;
    const struct cJSON *line = json_first(json_member(body, "lines"));
    for (; line; line = json_next(line))
        use(counting->authorised, json_member_int(line, "line", -1),
            json_member_int(line, "quantity", 0));
    return ERR_OK;
}

/* What came from the hub and can't be read counts as no authorisation. */
static enum err read_authorised(const struct views *views, const char *number, struct arena *arena,
                                struct authorised *authorised, bool *found, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct slice data;
    *found = false;
    enum err err = sale_view_authorised(views, number, arena, &data, fault);
    if (err)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    err = json_parse(data, JSON_LIMITS_DEFAULT, &doc, fault);
    if (!err)
        err = json_read(doc, &table, authorised, arena, fault);
    if (!err && !(authorised->receipt = arena_text(arena, authorised->receipt)))
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    *found = !err;
    return err_class(err) == ERR_CLASS_PARK ? ERR_OK : err;
}

enum err authorised_gather(const struct views *views, const struct question_asked *asked,
                           struct arena *arena, struct question *question, struct fault *fault)
{
    struct authorised authorised = {0};
    struct fact_authorisation *fact = arena_alloc(arena, 1, sizeof *fact);
    const char *number = asked->request->authorisation;
    bool found = false;
    if (!fact)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    question->facts.authorisation = fact;
    enum err err = read_authorised(views, number, arena, &authorised, &found, fault);
    if (err || !found || strcmp(authorised.receipt, asked->request->receipt) != 0)
        return err;
    struct counting counting = {number, asked->except, &authorised};
    if (question->has_sale)
        err = return_view_live_of_sale(views, &question->found.id, count_used, &counting, fault);
    *fact = (struct fact_authorisation){.known = true,
                                        .valid_until_ms = authorised.valid_until_ms,
                                        .expires = authorised.has_valid_until,
                                        .lines = authorised.lines,
                                        .line_count = authorised.line_count};
    return err;
}
