#include "agent/returns/request.h"
#include "agent/returns/fields.h"
#include "agent/returns/gtin.h"
#include "agent/returns/sale.h"

#include <stdio.h>
#include <string.h>

#define PRESENT(type, member) .present_offset = offsetof(struct type, member)

static const struct json_field line_fields[] = {
    {.name = "line",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     AT(request_line, line),
     .min = 1,
     .max = INT32_MAX},
    OPTIONAL_NAME(request_line, "gtin", gtin),
    OPTIONAL_NAME(request_line, "sku", sku),
    OPTIONAL_NAME(request_line, "serial", serial),
    {.name = "quantity",
     .kind = JSON_INT,
     AT(request_line, quantity),
     .min = 1,
     .max = SALE_QUANTITY_MAX},
    NAME(request_line, "reason", reason),
    NAME(request_line, "condition", condition),
    {.name = "in_hand",
     .kind = JSON_FLAG,
     .presence = JSON_OPTIONAL,
     AT(request_line, in_hand),
     PRESENT(request_line, has_in_hand)},
    {.name = "claimed_price",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     AT(request_line, claimed_price_minor),
     .max = MONEY_MAX_MINOR,
     PRESENT(request_line, has_claimed_price)},
    {.name = "amount",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     AT(request_line, amount_minor),
     .min = 1,
     .max = MONEY_MAX_MINOR,
     PRESENT(request_line, has_amount)},
    OPTIONAL_CHOICE(request_line, "entry", entry, entry_words),
    TEXT(request_line, "note", note),
};
static const struct json_table line_table = TABLE(line_fields, request_line);

#define CONTACT(field, most)                                                                       \
    {                                                                                              \
        .name = #field, .kind = JSON_TEXT, .presence = JSON_OPTIONAL, AT(contact, field),          \
        .min = 1, .max = most                                                                      \
    }

static const struct json_field contact_fields[] = {
    CONTACT(name, 120),
    CONTACT(phone, 40),
    CONTACT(email, 254),
};
static const struct json_table contact_table = TABLE(contact_fields, contact);

static const struct json_field request_fields[] = {
    OPTIONAL_NAME(return_request, "receipt", receipt),
    OPTIONAL_NAME(return_request, "authorisation", authorisation),
    LIST(return_request, "lines", lines, line_count, line_table, 1, REQUEST_LINES_MAX),
    OPTIONAL_FLAG(return_request, "in_hand", in_hand),
    {.name = "refund_to",
     .kind = JSON_CHOICE,
     .presence = JSON_OPTIONAL,
     AT(return_request, refund_to),
     .choices = tender_words,
     PRESENT(return_request, has_refund_to)},
    {.name = "currency",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     AT(return_request, currency),
     .min = 3,
     .max = 3},
    OPTIONAL_NAME(return_request, "customer", customer),
    {.name = "contact",
     .kind = JSON_OBJECT,
     .presence = JSON_OPTIONAL,
     AT(return_request, contact),
     .items = &contact_table,
     PRESENT(return_request, has_contact)},
    TEXT(return_request, "note", note),
};
const struct json_table request_table = TABLE(request_fields, return_request);

static void within_line(struct fault *fault, size_t index)
{
    char line[FAULT_WHERE_MAX];
    snprintf(line, sizeof line, "lines[%zu]", index);
    fault_within(fault, line);
}

static enum err refuse_card(const char *text, size_t index, const char *field,
                            const struct known_formats *known, struct fault *fault)
{
    enum err err = cardnumber_refuse(text, field, known, fault);
    if (err)
        within_line(fault, index);
    return err;
}

static const char *unless_gtin(const char *text)
{
    return text && gtin_valid(slice_of(text)) ? NULL : text;
}

static enum err check_line_cards(const struct request_line *line, size_t index,
                                 const struct known_formats *known, struct fault *fault)
{
    enum err err = refuse_card(unless_gtin(line->gtin), index, "gtin", known, fault);
    if (!err)
        err = refuse_card(unless_gtin(line->sku), index, "sku", known, fault);
    if (!err)
        err = refuse_card(line->serial, index, "serial", known, fault);
    if (!err)
        err = refuse_card(line->reason, index, "reason", known, fault);
    if (!err)
        err = refuse_card(line->condition, index, "condition", known, fault);
    return err ? err : refuse_card(line->note, index, "note", known, fault);
}

static enum err check_line(const struct request_line *line, size_t index, struct fault *fault)
{
    size_t len = line->gtin ? strlen(line->gtin) : 0;
    enum err err = ERR_OK;
    if (line->gtin && (len < 8 || len > 14 || strspn(line->gtin, "0123456789") != len))
        err = fault_set(fault, ERR_INVALID, "", "gtin must be 8 to 14 digits");
    else if (line->line == 0 && !line->gtin && !line->sku)
        err = fault_set(fault, ERR_INVALID, "", "must name a line, a gtin or an sku");
    if (err)
        within_line(fault, index);
    return err;
}

static enum err check_contact(const struct return_request *request,
                              const struct known_formats *known, struct fault *fault)
{
    const struct contact *contact = &request->contact;
    if (!request->has_contact)
        return ERR_OK;
    if (!request->customer || !*request->customer)
        return fault_set(fault, ERR_INVALID, "contact", "needs the customer's token beside it");
    enum err err = cardnumber_refuse(contact->name, "contact.name", known, fault);
    if (!err)
        err = cardnumber_refuse(contact->phone, "contact.phone", known, fault);
    return err ? err : cardnumber_refuse(contact->email, "contact.email", known, fault);
}

static enum err check_request(const struct return_request *request,
                              const struct known_formats *known, struct fault *fault)
{
    enum err err = cardnumber_refuse(request->receipt, "receipt", known, fault);
    if (!err)
        err = cardnumber_refuse(request->authorisation, "authorisation", known, fault);
    if (!err && request->authorisation && !request->receipt)
        return fault_set(fault, ERR_INVALID, "receipt", "an authorisation needs its receipt");
    if (!err)
        err = cardnumber_refuse(request->customer, "customer", known, fault);
    if (!err)
        err = cardnumber_refuse(request->note, "note", known, fault);
    if (!err)
        err = check_contact(request, known, fault);
    for (size_t i = 0; i < request->line_count && !err; i++) {
        err = check_line_cards(&request->lines[i], i, known, fault);
        if (!err)
            err = check_line(&request->lines[i], i, fault);
        if (!err && !request->receipt && request->lines[i].line != 0)
            return fault_set(fault, ERR_INVALID, "receipt", "a line's number needs its receipt");
    }
    if (!err && request->currency && !currency_find(slice_of(request->currency)))
        return fault_set(fault, ERR_INVALID, "currency", "is not a currency of ISO 4217");
    if (!err && request->has_refund_to && request->refund_to == TENDER_ROUNDING)
        return fault_set(fault, ERR_INVALID, "refund_to", "rounding is never paid out");
    return err;
}

enum err return_request_read(const struct cJSON *json, const struct known_formats *known,
                             struct arena *arena, struct return_request *request,
                             struct fault *fault)
{
    struct return_request read = {.in_hand = true};
    enum err err = json_read(json, &request_table, &read, arena, fault);
    if (err)
        return err;
    if (read.receipt && !*read.receipt)
        read.receipt = NULL;
    if (read.authorisation && !*read.authorisation)
        read.authorisation = NULL;
    err = check_request(&read, known, fault);
    if (err)
        return err;
    *request = read;
    return ERR_OK;
}
