/*
 * What somebody at the counter asks for: the JSON of POST /v1/returns and of its quote.
 * Texts are borrowed from the document read; lists live in the arena. Pure, any thread.
 */
#ifndef AGENT_RETURNS_REQUEST_H
#define AGENT_RETURNS_REQUEST_H

#include "agent/returns/cardnumber.h"
#include "agent/returns/words.h"
#include "hal/base/json.h"

enum { REQUEST_LINES_MAX = 1000 };

struct request_line {
    int64_t line; /* of the sale; 0: named by gtin or sku */
    const char *gtin;
    const char *sku;
    const char *serial;
    int64_t quantity;
    const char *reason;    /* a code of the policy's list */
    const char *condition; /* a code of the policy's list */
    bool in_hand;          /* if has_in_hand, else as the request says */
    bool has_in_hand;
    int64_t claimed_price_minor; /* for one unit, without a receipt */
    bool has_claimed_price;
    int64_t amount_minor; /* for a price adjustment: on the whole, in the line's own basis */
    bool has_amount;
    int entry; /* enum entry_method */
    const char *note;
};

/* How to reach the customer: never stored or sent but sealed. NULL: not told. */
struct contact {
    const char *name;
    const char *phone;
    const char *email;
};

struct return_request {
    const char *receipt;       /* NULL: without a receipt */
    const char *authorisation; /* the number under which the centre allowed it; NULL: none */
    struct request_line *lines;
    size_t line_count;
    bool in_hand;  /* the goods are on the counter; default true */
    int refund_to; /* enum tender_type, if has_refund_to: instead of the usual tender */
    bool has_refund_to;
    const char *currency; /* to be paid out in; NULL: the sale's */
    const char *customer; /* a token */
    struct contact contact;
    bool has_contact; /* only with a customer */
    const char *note;
};

/* The fields of POST /v1/returns. */
extern const struct json_table request_table;

/*
 * Reads and checks what can be checked without a sale or a policy. ERR_INVALID names field and
 * rule, ERR_REFUSED a card number. `known` may be NULL. The document must outlive the request.
 */
enum err return_request_read(const struct cJSON *json, const struct known_formats *known,
                             struct arena *arena, struct return_request *request,
                             struct fault *fault) MUST_CHECK;

#endif
