/*
 * How a receipt looks: a document of blocks, printed from the first to the last, and the texts that
 * they name in five languages. The retailer's own stands where the setting print.template points;
 * receipt.default.json ships.
 *
 *     {"version": "2026-1",
 *      "blocks": [
 *        {"block": "logo", "align": "center"},
 *        {"block": "text", "text": "{name}", "align": "center", "bold": true, "large": true},
 *        {"block": "lines"}, {"block": "refund"}, {"block": "tenders"},
 *        {"block": "text", "text": "{signature}", "when": "cash"},
 *        {"block": "code128", "align": "center"}],
 *      "texts": [{"key": "signature", "en": "Received: __________", "de": "Erhalten: ________"}]}
 *
 * Within a text, {word} stands for what the receipt says of it (name, address, store, lane, number,
 * receipt, new_receipt, year, month, day, hour, minute), and else for the text with that key; "|"
 * ends a line. The texts that blocks need by themselves must be there, each in English at least.
 * Reading a file blocks; any thread.
 */
#ifndef AGENT_PRINT_TEMPLATE_H
#define AGENT_PRINT_TEMPLATE_H

#include "agent/returns/policy.h"

enum { TEMPLATE_BLOCKS_MAX = 60, TEMPLATE_TEXTS_MAX = 120, TEMPLATE_TEXT_MAX = 400 };

#define TEMPLATE_BLOCKS(X)                                                                         \
    X(LOGO, logo)                                                                                  \
    X(TEXT, text)                                                                                  \
    X(RULE, rule)                                                                                  \
    X(FEED, feed)         /* one empty line */                                                     \
    X(LINES, lines)       /* what came back */                                                     \
    X(REFUND, refund)     /* fees and the total */                                                 \
    X(TAXES, taxes)       /* by kind and rate */                                                   \
    X(TENDERS, tenders)   /* how the money goes back */                                            \
    X(EXCHANGE, exchange) /* the new goods, and what is due */                                     \
    X(CODE128, code128)   /* the return's number, to be scanned */                                 \
    X(QR, qr)

/* When a block is printed. */
#define TEMPLATE_WHEN(X)                                                                           \
    X(ALWAYS, always)                                                                              \
    X(COPY, copy)         /* it was printed before */                                              \
    X(ACCEPTED, accepted) /* money goes back now */                                                \
    X(PENDING, pending)   /* the refund waits for a check */                                       \
    X(VOIDED, voided)     /* the return was taken back */                                          \
    X(CASH, cash)         /* the till pays cash out */                                             \
    X(RECEIPT, receipt)   /* the customer had a receipt */                                         \
    X(BLIND, blind)       /* the customer had none */

#define TEMPLATE_BLOCK_ENUM(upper, lower) TEMPLATE_##upper,
enum template_block_kind { TEMPLATE_BLOCKS(TEMPLATE_BLOCK_ENUM) TEMPLATE_BLOCK_COUNT };
#define TEMPLATE_WHEN_ENUM(upper, lower) TEMPLATE_WHEN_##upper,
enum template_when { TEMPLATE_WHEN(TEMPLATE_WHEN_ENUM) TEMPLATE_WHEN_COUNT };

struct template_block {
    int kind; /* enum template_block_kind */
    const char *text;
    int align; /* enum escpos_align */
    int when;  /* enum template_when */
    bool bold;
    bool large;
    bool inverse;
};

struct template;

/* `path` NULL takes the one that ships. ERR_INVALID names the field and the rule. */
enum err template_open(struct template **template, const char *path,
                       struct fault *fault) MUST_CHECK;
enum err template_read(struct template **template, struct slice text,
                       struct fault *fault) MUST_CHECK;
void template_close(struct template *template); /* takes NULL */

const struct template_block *template_blocks(const struct template *template, size_t *count);
/* In that language, else in English; NULL when no text has this key. */
const char *template_text(const struct template *template, struct slice key,
                          enum policy_language language);

#endif
