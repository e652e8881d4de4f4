#include "agent/capture/poslog_exception.h"
#include "agent/capture/exception.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "hal/base/sha256.h"

#include <stdio.h>
#include <string.h>

enum { KEY_HEX = 40, DETAIL_MAX = 480 }; /* of EXCEPTION_TEXT_MAX, and a character cut in two */

static bool begins(const char *text, const char *head)
{
    return strncmp(text, head, strlen(head)) == 0;
}

/* A sale whose lines, taxes and tenders don't come to the same. */
static bool does_not_add_up(const struct fault *why)
{
    return strcmp(why->where, "tenders") == 0 || strcmp(why->where, "order_discount") == 0 ||
           strstr(why->where, ".tax") != NULL;
}

static const char other[] = "not_captured";

/* The till has paid; this store would not have, or not that much, or not so. */
static const char *of_return(const struct fault *why)
{
    const char *reason = exception_of_reason(why->where);
    if (reason)
        return reason;
    if (strcmp(why->where, "currency") == 0)
        return "currency_mismatch";
    if (begins(why->where, "tenders"))
        return "tender_not_allowed";
    return begins(why->where, "lines[") ? other : "amount_rebased";
}

static const char *exception_of(const struct poslog_order *order, const char *code,
                                const struct fault *why)
{
    if (strcmp(code, "unmapped_code") == 0 || strcmp(code, "no_original") == 0)
        return code;
    if (strcmp(code, err_name(ERR_CONFLICT)) == 0)
        return "id_body_conflict";
    if (order->kind == POSLOG_ORDER_SALE && strcmp(code, err_name(ERR_INVALID)) == 0)
        return does_not_add_up(why) ? "tax_payment_mismatch" : other;
    bool otherwise =
        strcmp(code, err_name(ERR_REFUSED)) == 0 || strcmp(code, "decided_otherwise") == 0;
    bool returns = order->kind == POSLOG_ORDER_RETURN || order->kind == POSLOG_ORDER_EXCHANGE;
    return returns && otherwise ? of_return(why) : other;
}

static void write_key(char key[static POSLOG_EXCEPTION_KEY_TEXT + 1], struct slice of,
                      struct slice body)
{
    char text[SHA256_TEXT + 1];
    const struct slice parts[] = {of, body};
    struct sha256 hash = sha256_of_all(parts, 2);
    sha256_format(&hash, text);
    (void)snprintf(key, POSLOG_EXCEPTION_KEY_TEXT + 1, "raised-%.*s", KEY_HEX, text);
}

static void write_order(struct buf *body, const char *code, const char *name,
                        const struct fault *why)
{
    struct buf detail CLEANUP(buf_free);
    buf_init(&detail, POSLOG_NAME_MAX + FAULT_WHERE_MAX + FAULT_TEXT_MAX + 16);
    buf_printf(&detail, "POSLog %.*s: %s%s%s", POSLOG_NAME_MAX, name, why->where,
               why->where[0] ? ": " : "", why->text);
    size_t len = detail.len < DETAIL_MAX ? detail.len : DETAIL_MAX;
    struct jsonw w = jsonw_to(body);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "code", code);
    jsonw_slice(&w, "detail", (struct slice){detail.data, len});
    jsonw_end(&w);
}

void poslog_exception(const struct poslog_order *order, const char *code, const struct fault *why,
                      struct buf *body, char key[static POSLOG_EXCEPTION_KEY_TEXT + 1])
{
    write_order(body, exception_of(order, code, why), order->name, why);
    write_key(key, slice_of(order->key), buf_slice(body));
}

void poslog_exception_of_document(const char *name, struct slice xml, const struct fault *why,
                                  struct buf *body, char key[static POSLOG_EXCEPTION_KEY_TEXT + 1])
{
    write_order(body, other, name, why);
    write_key(key, xml, buf_slice(body));
}
