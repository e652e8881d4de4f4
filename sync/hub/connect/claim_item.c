#include "sync/hub/connect/claim_item.h"
#include "hal/base/cleanup.h"
#include "sync/contract/event.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stdio.h>
#include <string.h>

enum { ARENA_MAX = 1024 * 1024, SUBJECT_MAX = 160 };

/* --- What it is ------------------------------------------------------------------------------ */

static const char *text_of(const struct cJSON *object, const char *name)
{
    const char *text = object ? json_member_text(object, name) : NULL;
    return text ? text : "";
}

static const struct cJSON *lines_of(const struct cJSON *document, const char *member)
{
    const struct cJSON *inner = json_member(document, member);
    return inner ? json_first(json_member(inner, "lines")) : NULL;
}

static const struct cJSON *find_line(const struct cJSON *line, int64_t number)
{
    while (line && json_member_int(line, "line", -1) != number)
        line = json_next(line);
    return line;
}

struct claim_item claim_item_of_sale(const struct cJSON *sale, int64_t line)
{
    const struct cJSON *named = find_line(json_first(json_member(sale, "lines")), line);
    return (struct claim_item){text_of(named, "gtin"), text_of(named, "sku")};
}

struct claim_item claim_item_of(const struct cJSON *created, const struct cJSON *line)
{
    const struct cJSON *named =
        find_line(lines_of(created, "sale"), json_member_int(line, "line", -1));
    if (!named) {
        named = lines_of(created, "request");
        for (int64_t i = json_member_int(line, "item", 0); named && i > 0; i--)
            named = json_next(named);
    }
    return (struct claim_item){text_of(named, "gtin"), text_of(named, "sku")};
}

/* A GTIN is the same however many zeros it is written with. */
static const char *without_zeros(const char *gtin)
{
    return gtin + strspn(gtin, "0");
}

bool claim_item_is_same(const struct claim_item *a, const struct claim_item *b)
{
    if (*a->gtin && *b->gtin)
        return strcmp(without_zeros(a->gtin), without_zeros(b->gtin)) == 0;
    return *a->sku && strcmp(a->sku, b->sku) == 0;
}

static int64_t sold_of(const struct cJSON *line, const struct claim_item *item)
{
    int64_t sold = 0;
    for (; line; line = json_next(line)) {
        const struct claim_item of = {text_of(line, "gtin"), text_of(line, "sku")};
        if (claim_item_is_same(&of, item))
            sold += json_member_int(line, "quantity", 0);
    }
    return sold;
}

int64_t claim_item_sold(const struct cJSON *created, const struct claim_item *item)
{
    return sold_of(lines_of(created, "sale"), item);
}

/* --- What came back of it -------------------------------------------------------------------- */

static void count(const struct cJSON *created, const struct id *correlation,
                  const struct claim_item *item, struct claim_item_found *found)
{
    const struct cJSON *line = json_first(json_member(created, "lines"));
    for (; line; line = json_next(line)) {
        const struct claim_item of = claim_item_of(created, line);
        if (!claim_item_is_same(&of, item))
            continue;
        found->quantity += json_member_int(line, "quantity", 0);
        found->latest = *correlation;
    }
    if (!found->sold)
        found->sold = claim_item_sold(created, item);
}

/* What can't be read as what it should be was parked, and counts for nothing. */
static void take(struct slice body, const struct id *except, const struct claim_item *item,
                 struct claim_item_found *found)
{
    struct arena arena CLEANUP(arena_free);
    struct cJSON *data CLEANUP(json_cleanup) = NULL;
    struct event event;
    arena_init(&arena, ARENA_MAX);
    if (event_read(body, &arena, &event, NULL) == ERR_OK &&
        json_parse(event.data, JSON_LIMITS_DEFAULT, &data, NULL) == ERR_OK) {
        if (event.type != EVENT_RETURN_CREATED)
            found->sold = sold_of(json_first(json_member(data, "lines")), item);
        else if (memcmp(&event.correlation, except, sizeof *except) != 0)
            count(data, &event.correlation, item, found);
    }
}

static enum err take_all(struct database *db, size_t query, const char *text,
                         const struct id *except, const struct claim_item *item,
                         struct claim_item_found *found, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_statement(db, query, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, text);
    while ((err = database_step(db, s, &row, fault)) == ERR_OK && row)
        take(column_slice(s, 0), except, item, found);
    statement_reset(s);
    return err;
}

enum err claim_item_find(struct database *db, const char *receipt, const struct id *except,
                         const struct claim_item *item, struct claim_item_found *found,
                         struct fault *fault)
{
    char subject[SUBJECT_MAX];
    struct claim_item_found sum = {.quantity = 0};
    (void)snprintf(subject, sizeof subject, "receipt/%s", receipt);
    enum err err = take_all(db, INGEST_SALE_BY_SUBJECT, subject, except, item, &sum, fault);
    if (!err)
        err = take_all(db, INGEST_RETURNED_OF_RECEIPT, receipt, except, item, &sum, fault);
    if (!err)
        *found = sum;
    return err;
}
