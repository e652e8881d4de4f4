#include "sync/hub/connect/tryton_query.h"
#include "hal/base/cleanup.h"
#include "sync/hub/ledger/period.h"

#include <stdio.h>
#include <stdlib.h>

enum { METHOD_MAX = 160 };

static void open_clause(struct jsonw *w, const char *field, const char *op)
{
    jsonw_array(w, NULL);
    jsonw_text(w, NULL, field);
    jsonw_text(w, NULL, op);
}

void tryton_clause_text(struct jsonw *w, const char *field, const char *op, const char *value)
{
    open_clause(w, field, op);
    jsonw_text(w, NULL, value);
    jsonw_end(w);
}

void tryton_clause_int(struct jsonw *w, const char *field, const char *op, int64_t value)
{
    open_clause(w, field, op);
    jsonw_int(w, NULL, value);
    jsonw_end(w);
}

void tryton_clause_day(struct jsonw *w, const char *field, const char *op, int64_t day)
{
    open_clause(w, field, op);
    tryton_write_day(w, NULL, day);
    jsonw_end(w);
}

void tryton_write_day(struct jsonw *w, const char *key, int64_t day)
{
    char text[DAY_TEXT + 1];
    day_format(day, text);
    jsonw_object(w, key);
    jsonw_text(w, "__class__", "date");
    jsonw_int(w, "year", strtol(text, NULL, 10));
    jsonw_int(w, "month", strtol(text + 5, NULL, 10));
    jsonw_int(w, "day", strtol(text + 8, NULL, 10));
    jsonw_end(w);
}

void tryton_write_amount(struct jsonw *w, const char *key, int64_t amount_minor,
                         const struct currency *currency)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, 64);
    money_format(&text, amount_minor, currency);
    jsonw_object(w, key);
    jsonw_text(w, "__class__", "Decimal");
    jsonw_slice(w, "decimal", buf_slice(&text));
    jsonw_end(w);
}

enum err tryton_read_day(const struct cJSON *value, int64_t *day)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%04d-%02d-%02d", (int)json_member_int(value, "year", 0),
                   (int)json_member_int(value, "month", 0), (int)json_member_int(value, "day", 0));
    return day_parse(text, day);
}

enum err tryton_read_amount(const struct cJSON *value, const struct currency *currency,
                            int64_t *amount_minor)
{
    struct decimal decimal;
    const char *text = json_member_text(value, "decimal");
    if (!text || decimal_parse(slice_of(text), &decimal) != ERR_OK)
        return ERR_INVALID;
    for (; decimal.places > currency->exponent; decimal.places--, decimal.digits /= 10)
        if (decimal.digits % 10 != 0)
            return ERR_INVALID;
    for (; decimal.places < currency->exponent; decimal.places++)
        if (__builtin_mul_overflow(decimal.digits, 10, &decimal.digits))
            return ERR_INVALID;
    *amount_minor = decimal.digits;
    return ERR_OK;
}

enum err tryton_read_number(const struct cJSON *row, const char *field, bool posted,
                            char number[CONNECTOR_NUMBER_MAX + 1], struct fault *fault)
{
    const char *text = json_member_text(row, field);
    (void)snprintf(number, CONNECTOR_NUMBER_MAX + 1, "%s", text ? text : "");
    if (posted && !number[0])
        return fault_set(fault, ERR_UNKNOWN_OUTCOME, "Tryton",
                         "answers a posted record without its %s", field);
    return ERR_OK;
}

void tryton_write_context(struct jsonw *w, int64_t company)
{
    jsonw_object(w, NULL);
    if (company)
        jsonw_int(w, "company", company);
    jsonw_end(w);
}

enum err tryton_find(struct tryton_rpc *rpc, const char *model, const char *field,
                     const char *value, int64_t company, int64_t *id, struct fault *fault)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *found;
    char method[METHOD_MAX];
    struct jsonw *w = tryton_rpc_begin(rpc);
    jsonw_array(w, NULL);
    tryton_clause_text(w, field, "=", value);
    if (company)
        tryton_clause_int(w, "company", "=", company);
    jsonw_end(w);
    jsonw_int(w, NULL, 0);
    jsonw_int(w, NULL, 2);
    jsonw_null(w, NULL);
    tryton_write_context(w, company);
    (void)snprintf(method, sizeof method, "model.%s.search", model);
    enum err err = tryton_rpc_call(rpc, method, &document, &found, fault);
    if (err)
        return err;
    const struct cJSON *first = json_first(found);
    if (!first || json_next(first) || json_whole(first, id) != ERR_OK)
        return fault_set(fault, ERR_REFUSED, "Tryton", "has %s %s whose %s is \"%.100s\"",
                         first ? "more than one" : "no", model, field, value);
    return ERR_OK;
}

struct jsonw *tryton_domain(struct tryton_rpc *rpc)
{
    struct jsonw *w = tryton_rpc_begin(rpc);
    jsonw_array(w, NULL);
    return w;
}

enum err tryton_read(struct tryton_rpc *rpc, const struct tryton_reading *reading,
                     struct cJSON **document, const struct cJSON **rows, struct fault *fault)
{
    char method[METHOD_MAX];
    struct jsonw *w = tryton_rpc_writer(rpc);
    jsonw_end(w);
    jsonw_int(w, NULL, 0);
    jsonw_int(w, NULL, reading->limit);
    jsonw_array(w, NULL);
    if (reading->order) {
        jsonw_array(w, NULL);
        jsonw_text(w, NULL, reading->order);
        jsonw_text(w, NULL, reading->newest_first ? "DESC" : "ASC");
        jsonw_end(w);
    }
    jsonw_end(w);
    jsonw_array(w, NULL);
    for (const char *const *field = reading->fields; *field; field++)
        jsonw_text(w, NULL, *field);
    jsonw_end(w);
    tryton_write_context(w, reading->company);
    (void)snprintf(method, sizeof method, "model.%s.search_read", reading->model);
    return tryton_rpc_call(rpc, method, document, rows, fault);
}

enum err tryton_do(struct tryton_rpc *rpc, const char *model, const char *method,
                   const int64_t *ids, size_t count, int64_t company, struct fault *fault)
{
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *result;
    char name[METHOD_MAX];
    struct jsonw *w = tryton_rpc_begin(rpc);
    jsonw_array(w, NULL);
    for (size_t i = 0; i < count; i++)
        jsonw_int(w, NULL, ids[i]);
    jsonw_end(w);
    tryton_write_context(w, company);
    (void)snprintf(name, sizeof name, "model.%s.%s", model, method);
    return tryton_rpc_call(rpc, name, &document, &result, fault);
}
