#include "sync/hub/connect/acceptance.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "sync/contract/money.h"
#include "sync/hub/connect/claim.h"
#include "sync/hub/ingest/centre.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/journal.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

enum { ARENA_MAX = 16 * 1024 * 1024, RETURNS_MAX = 256, TAXES_MAX = 16 };

/* Of the sale. */
struct terms {
    bool prices_include_tax;
};
static const struct json_field terms_fields[] = {
    {.name = "prices_include_tax",
     .kind = JSON_FLAG,
     .offset = offsetof(struct terms, prices_include_tax)}};
static const struct json_table terms_table = {terms_fields, 1, sizeof(struct terms), true};

/* Of the authorisation. */
struct validity {
    int64_t until_ms;
    bool ends;
};
static const struct json_field validity_fields[] = {
    {.name = "valid_until",
     .kind = JSON_TIME,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct validity, until_ms),
     .present_offset = offsetof(struct validity, ends)}};
static const struct json_table validity_table = {validity_fields, 1, sizeof(struct validity), true};

/* An authorised return on its way. */
struct accepting {
    struct database *db;
    struct id correlation;
    struct arena arena;
    struct cJSON *authorised;
    struct cJSON *sale;
    struct id sale_id;
    struct terms terms;
    struct cJSON *others[RETURNS_MAX]; /* return.created of what else came back of this sale */
    size_t other_count;
    struct buf data;
    struct fault *fault;
};

static const char *text_of(const struct cJSON *object, const char *name)
{
    const char *text = object ? json_member_text(object, name) : NULL;
    return text ? text : "";
}

static const struct cJSON *first_of(const struct cJSON *object, const char *name)
{
    const struct cJSON *list = object ? json_member(object, name) : NULL;
    return list ? json_first(list) : NULL;
}

/* --- What is known --------------------------------------------------------------------------- */

/* `about` (NULL: of no interest) is what it correlates with. */
static enum err read_event(struct accepting *a, struct slice body, struct id *about,
                           struct cJSON **data)
{
    struct event event;
    enum err err = event_read(body, &a->arena, &event, a->fault);
    if (!err && about)
        *about = event.correlation;
    return err ? err : json_parse(event.data, JSON_LIMITS_DEFAULT, data, a->fault);
}

static enum err read_authorised(struct accepting *a)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(a->db, INGEST_AUTHORISED_RETURN, &s, a->fault);
    if (err)
        return err;
    bind_blob(s, 1, a->correlation.bytes, ID_BYTES);
    err = database_step(a->db, s, &row, a->fault);
    if (err)
        return err;
    err = row ? read_event(a, column_slice(s, 0), NULL, &a->authorised)
              : fault_set(a->fault, ERR_NOT_FOUND, "return", "is not known");
    statement_reset(s);
    return err;
}

static enum err read_sale(struct accepting *a)
{
    char subject[sizeof "receipt/" + 128];
    struct statement *s;
    bool row;
    (void)snprintf(subject, sizeof subject, "receipt/%.128s", text_of(a->authorised, "receipt"));
    enum err err = database_statement(a->db, INGEST_SALE_BY_SUBJECT, &s, a->fault);
    if (err)
        return err;
    bind_text(s, 1, subject);
    err = database_step(a->db, s, &row, a->fault);
    if (err)
        return err;
    err = row ? read_event(a, column_slice(s, 0), &a->sale_id, &a->sale)
              : fault_set(a->fault, ERR_NOT_FOUND, "return", "its sale is not known");
    statement_reset(s);
    return err ? err : json_read(a->sale, &terms_table, &a->terms, &a->arena, a->fault);
}

static enum err read_others(struct accepting *a)
{
    struct statement *s;
    bool row = true;
    enum err err = database_statement(a->db, INGEST_RETURNED_OF_RECEIPT, &s, a->fault);
    if (err)
        return err;
    bind_text(s, 1, text_of(a->authorised, "receipt"));
    while ((err = database_step(a->db, s, &row, a->fault)) == ERR_OK && row) {
        err = a->other_count == RETURNS_MAX
                  ? fault_set(a->fault, ERR_TOO_LARGE, "return", "its sale has too many returns")
                  : read_event(a, column_slice(s, 0), NULL, &a->others[a->other_count]);
        if (err)
            break;
        a->other_count++;
    }
    statement_reset(s);
    return err;
}

static enum err check_time(struct accepting *a, int64_t now_ms)
{
    struct validity validity = {0};
    enum err err = json_read(a->authorised, &validity_table, &validity, &a->arena, a->fault);
    return err || !validity.ends || now_ms <= validity.until_ms
               ? err
               : fault_set(a->fault, ERR_REFUSED, "return",
                           "authorisation_expired: it was good until %s; authorise it anew",
                           text_of(a->authorised, "valid_until"));
}

static enum err check_sale(const struct accepting *a)
{
    const char *why = first_of(a->sale, "groups") || json_member_int(a->sale, "order_discount", 0)
                          ? "a discount is spread over the lines of its sale"
                      : json_member(a->sale, "marketplace") ? "it was sold on a marketplace"
                                                            : NULL;
    return why ? fault_set(a->fault, ERR_REFUSED, "return", "%s: a store must take it", why)
               : ERR_OK;
}

/* --- Lines ----------------------------------------------------------------------------------- */

struct share {
    int64_t quantity;
    int64_t net_minor;
    int64_t gross_minor;
    int64_t taxes_minor[TAXES_MAX];
    int64_t cost_minor;
};

static bool same_tax(const struct cJSON *one, const struct cJSON *other)
{
    static const char *const names[] = {"type", "class", "jurisdiction", "rate"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text_of(one, names[i]), text_of(other, names[i])) != 0)
            return false;
    return true;
}

/* Adds what one line of another return took of the sold line. */
static enum err add_given(const struct accepting *a, const struct cJSON *sold,
                          const struct cJSON *line, struct share *given)
{
    size_t i = 0;
    if (json_member(line, "adjustment"))
        return fault_set(a->fault, ERR_REFUSED, "lines",
                         "the price of line %" PRId64 " was adjusted: a store must take it back",
                         json_member_int(line, "line", 0));
    given->quantity += json_member_int(line, "quantity", 0);
    given->net_minor += json_member_int(line, "net", 0);
    given->gross_minor += json_member_int(line, "gross", 0);
    for (const struct cJSON *tax = first_of(sold, "tax"); tax && i < TAXES_MAX;
         tax = json_next(tax), i++)
        for (const struct cJSON *t = first_of(line, "tax"); t; t = json_next(t))
            if (same_tax(tax, t))
                given->taxes_minor[i] += json_member_int(t, "amount", 0);
    return ERR_OK;
}

static enum err sum_given(const struct accepting *a, const struct cJSON *sold, struct share *given)
{
    int64_t number = json_member_int(sold, "line", -1);
    enum err err = ERR_OK;
    *given = (struct share){0};
    for (size_t i = 0; !err && i < a->other_count; i++)
        for (const struct cJSON *line = first_of(a->others[i], "lines"); !err && line;
             line = json_next(line))
            if (json_member_int(line, "line", -2) == number)
                err = add_given(a, sold, line, given);
    return err;
}

static int64_t rest_of(int64_t amount_minor, int64_t units, int64_t quantity, int64_t given_minor)
{
    int64_t rest = money_share(amount_minor, units, quantity) - given_minor;
    return rest > 0 ? rest : 0;
}

/* The share of `part->quantity` more units; a piece's tax is at most its gross. */
static void derive(const struct accepting *a, const struct cJSON *sold, const struct share *given,
                   struct share *part)
{
    bool included = a->terms.prices_include_tax;
    int64_t quantity = json_member_int(sold, "quantity", 1);
    int64_t units = given->quantity + part->quantity;
    int64_t amount = rest_of(json_member_int(sold, "amount", 0), units, quantity,
                             included ? given->gross_minor : given->net_minor);
    int64_t taxes = 0;
    size_t i = 0;
    for (const struct cJSON *tax = first_of(sold, "tax"); tax && i < TAXES_MAX;
         tax = json_next(tax), i++) {
        int64_t rest =
            rest_of(json_member_int(tax, "amount", 0), units, quantity, given->taxes_minor[i]);
        part->taxes_minor[i] = included && rest > amount - taxes ? amount - taxes : rest;
        taxes += part->taxes_minor[i];
    }
    part->gross_minor = included ? amount : amount + taxes;
    part->net_minor = part->gross_minor - taxes;
    int64_t cost = json_member_int(sold, "cost", 0);
    part->cost_minor =
        money_share(cost, units, quantity) - money_share(cost, given->quantity, quantity);
}

static const struct cJSON *sold_line(const struct accepting *a, int64_t number)
{
    const struct cJSON *line = first_of(a->sale, "lines");
    while (line && json_member_int(line, "line", -1) != number)
        line = json_next(line);
    return line;
}

static void write_line(struct jsonw *w, const struct cJSON *asked, const struct cJSON *sold,
                       const struct share *part)
{
    size_t i = 0;
    jsonw_object(w, NULL);
    jsonw_int(w, "line", json_member_int(sold, "line", 0));
    jsonw_int(w, "quantity", part->quantity);
    if (*text_of(asked, "reason"))
        jsonw_text(w, "reason", text_of(asked, "reason"));
    jsonw_int(w, "net", part->net_minor);
    jsonw_array(w, "tax");
    for (const struct cJSON *tax = first_of(sold, "tax"); tax && i < TAXES_MAX;
         tax = json_next(tax), i++) {
        jsonw_object(w, NULL);
        static const char *const names[] = {"type", "class", "jurisdiction", "rate"};
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            if (*text_of(tax, names[k]))
                jsonw_text(w, names[k], text_of(tax, names[k]));
        jsonw_int(w, "amount", part->taxes_minor[i]);
        jsonw_end(w);
    }
    jsonw_end(w);
    jsonw_int(w, "gross", part->gross_minor);
    jsonw_int(w, "cost", part->cost_minor);
    jsonw_text(w, "goods", "expected");
    jsonw_end(w);
}

/* A line that is asked for twice would be counted from the same place twice. */
static bool stands_before(const struct accepting *a, const struct cJSON *asked)
{
    const struct cJSON *line = first_of(a->authorised, "lines");
    int64_t number = json_member_int(asked, "line", -1);
    while (line != asked && json_member_int(line, "line", -1) != number)
        line = json_next(line);
    return line != asked;
}

/* A store may have taken some of it by the same authorisation. */
static enum err check_unused(const struct accepting *a, int64_t line)
{
    const struct claim claim = {.correlation = a->correlation,
                                .receipt = text_of(a->authorised, "receipt"),
                                .authorisation = &a->correlation};
    int64_t used = 0;
    enum err err = claim_used(a->db, &claim, line, &used, a->fault);
    return err || !used ? err
                        : fault_set(a->fault, ERR_REFUSED, "lines",
                                    "authorisation_exceeded: of line %" PRId64 " %" PRId64
                                    " were returned under it in a store",
                                    line, used);
}

static enum err accept_line(struct accepting *a, struct jsonw *w, const struct cJSON *asked,
                            int64_t *total_minor)
{
    int64_t number = json_member_int(asked, "line", -1);
    const struct cJSON *sold = sold_line(a, number);
    struct share given;
    struct share part = {.quantity = json_member_int(asked, "quantity", 0)};
    if (!sold || stands_before(a, asked))
        return fault_set(a->fault, ERR_REFUSED, "lines",
                         "line %" PRId64 " is not on the receipt, or asked for twice", number);
    enum err err = check_unused(a, number);
    if (!err)
        err = sum_given(a, sold, &given);
    if (err)
        return err;
    if (given.quantity + part.quantity > json_member_int(sold, "quantity", 0))
        return fault_set(a->fault, ERR_REFUSED, "lines",
                         "quantity_exceeds_remaining: of line %" PRId64 " %" PRId64
                         " were returned meanwhile",
                         number, given.quantity);
    derive(a, sold, &given, &part);
    write_line(w, asked, sold, &part);
    *total_minor += part.gross_minor;
    return ERR_OK;
}

static enum err write_lines(struct accepting *a, struct jsonw *w, int64_t *total_minor)
{
    enum err err = ERR_OK;
    jsonw_array(w, "lines");
    for (const struct cJSON *asked = first_of(a->authorised, "lines"); !err && asked;
         asked = json_next(asked))
        err = accept_line(a, w, asked, total_minor);
    jsonw_end(w);
    return err;
}

/* --- Tenders --------------------------------------------------------------------------------- */

static bool hub_pays(const struct cJSON *tender)
{
    const char *type = text_of(tender, "type");
    return strcmp(type, "card") == 0 || strcmp(type, "wallet") == 0 ||
           strcmp(type, "online_payment") == 0;
}

/* What was paid on a tender, less what any other return of the sale means to give back on it. */
static int64_t left_on(const struct accepting *a, const struct cJSON *tender)
{
    int64_t number = json_member_int(tender, "tender", 0);
    int64_t left = json_member_int(tender, "amount", 0);
    for (size_t i = 0; i < a->other_count; i++)
        for (const struct cJSON *t = first_of(json_member(a->others[i], "refund"), "tenders"); t;
             t = json_next(t))
            if (json_member_int(t, "tender", -1) == number)
                left -= json_member_int(t, "amount", 0);
    return left > 0 ? left : 0;
}

static void write_tender(struct jsonw *w, const struct cJSON *tender, int64_t amount_minor)
{
    jsonw_object(w, NULL);
    jsonw_int(w, "tender", json_member_int(tender, "tender", 0));
    jsonw_text(w, "type", text_of(tender, "type"));
    jsonw_int(w, "amount", amount_minor);
    if (*text_of(tender, "reference"))
        jsonw_text(w, "reference", text_of(tender, "reference"));
    jsonw_text(w, "executor", "hub");
    jsonw_text(w, "state", "pending");
    jsonw_end(w);
}

static enum err write_refund(struct accepting *a, struct jsonw *w, int64_t total_minor)
{
    int64_t rest = total_minor;
    jsonw_object(w, "refund");
    jsonw_text(w, "currency", text_of(a->sale, "currency"));
    jsonw_int(w, "total", total_minor);
    jsonw_array(w, "tenders");
    for (const struct cJSON *tender = first_of(a->sale, "tenders"); tender && rest > 0;
         tender = json_next(tender)) {
        int64_t left = hub_pays(tender) ? left_on(a, tender) : 0;
        int64_t amount = left < rest ? left : rest;
        if (amount > 0)
            write_tender(w, tender, amount);
        rest -= amount;
    }
    jsonw_end(w);
    jsonw_end(w);
    return rest ? fault_set(a->fault, ERR_REFUSED, "return",
                            "refund_exceeds_paid: %" PRId64 " of it was not paid by card or "
                            "online: a store must take it",
                            rest)
                : ERR_OK;
}

/* --- Recording ------------------------------------------------------------------------------- */

static enum err write_created(struct accepting *a)
{
    struct buf sale CLEANUP(buf_free);
    int64_t total_minor = 0;
    char sale_id[ID_TEXT + 1];
    id_format(&a->sale_id, sale_id);
    buf_init(&sale, EVENT_BODY_MAX);
    json_print(a->sale, &sale);
    struct jsonw w = jsonw_to(&a->data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "number", text_of(a->authorised, "number"));
    jsonw_text(&w, "store", text_of(a->sale, "store"));
    jsonw_text(&w, "receipt", text_of(a->authorised, "receipt"));
    jsonw_text(&w, "authorisation", text_of(a->authorised, "number"));
    jsonw_text(&w, "currency", text_of(a->sale, "currency"));
    jsonw_text(&w, "decision", "accepted");
    jsonw_array(&w, "reasons");
    jsonw_end(&w);
    enum err err = write_lines(a, &w, &total_minor);
    if (!err)
        err = write_refund(a, &w, total_minor);
    if (err)
        return err;
    jsonw_text(&w, "goods", "expected");
    jsonw_text(&w, "money", "pending");
    jsonw_text(&w, "posting", "none");
    jsonw_text(&w, "sale_id", sale_id);
    jsonw_raw(&w, "sale", buf_slice(&sale));
    jsonw_end(&w);
    err = buf_check(&sale, a->fault, "sale");
    return err ? err : buf_check(&a->data, a->fault, "return");
}

static enum err record(struct accepting *a, int64_t now_ms, struct told *told)
{
    char device[DEVICE_ID_MAX + 1] = "";
    const struct centre_fact fact = {.correlation = a->correlation,
                                     .type = EVENT_RETURN_CREATED,
                                     .data = buf_slice(&a->data),
                                     .now_ms = now_ms,
                                     .key = "accepted"};
    enum err err = centre_record(a->db, &fact, device, a->fault);
    if (!err)
        told_add(told, device);
    return err;
}

enum err acceptance_record(struct database *db, const struct id *correlation, int64_t now_ms,
                           struct told *told, struct fault *fault)
{
    struct accepting a = {.db = db, .correlation = *correlation, .fault = fault};
    arena_init(&a.arena, ARENA_MAX);
    buf_init(&a.data, EVENT_BODY_MAX);
    enum err err = read_authorised(&a);
    if (!err)
        err = check_time(&a, now_ms);
    if (!err)
        err = read_sale(&a);
    if (!err)
        err = read_others(&a);
    if (!err)
        err = check_sale(&a);
    if (!err)
        err = write_created(&a);
    if (!err)
        err = record(&a, now_ms, told);
    json_free(a.authorised);
    json_free(a.sale);
    for (size_t i = 0; i < a.other_count; i++)
        json_free(a.others[i]);
    buf_free(&a.data);
    arena_free(&a.arena);
    return err;
}

enum err acceptance_is_whole(struct database *db, const struct id *correlation, bool *whole,
                             struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    struct position position;
    arena_init(&arena, ARENA_MAX);
    enum err err = journal_position(db, correlation, &arena, &document, &position, fault);
    if (err)
        return err;
    bool all = position.standing == STANDING_OPEN;
    for (size_t i = 0; i < position.line_count; i++)
        all = all && position.lines[i].received == position.lines[i].quantity;
    *whole = all;
    return ERR_OK;
}
