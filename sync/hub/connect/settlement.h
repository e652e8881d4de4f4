/*
 * Settlement files: what payment providers, marketplaces and banks say they did with the money,
 * as a stream of lines of one shape, whatever the format.
 *
 * Fed in pieces of any size; memory doesn't grow with the file. No input or output of its own; a
 * reader belongs to one thread. Formats: Adyen settlement detail report (CSV), Stripe balance
 * transactions (CSV), Amazon settlement report V2 (tab-separated), ISO 20022 camt.053 and camt.054.
 */
#ifndef SYNC_HUB_CONNECT_SETTLEMENT_H
#define SYNC_HUB_CONNECT_SETTLEMENT_H

#include "hal/base/buf.h"

enum { SETTLEMENT_TEXT_MAX = 280, SETTLEMENT_ROWS_MAX = 20 * 1000 * 1000 };

#define SETTLEMENT_FORMATS(X)                                                                      \
    X(ADYEN, adyen) X(STRIPE, stripe) X(AMAZON, amazon) X(CAMT053, camt053) X(CAMT054, camt054)

#define SETTLEMENT_KINDS(X)                                                                        \
    X(SALE, sale)                                                                                  \
    X(REFUND, refund)                                                                              \
    X(REFUND_REVERSED, refund_reversed) /* it failed after all: the money came back */             \
    X(CHARGEBACK, chargeback)                                                                      \
    X(CHARGEBACK_REVERSED, chargeback_reversed)                                                    \
    X(FEE, fee)                                                                                    \
    X(PAYOUT, payout)                   /* to our bank; at the bank: what came from there */       \
    X(PAYOUT_REVERSED, payout_reversed) /* at the bank: what had come was taken back */            \
    X(OTHER, other)

#define SETTLEMENT_FORMAT_ENUM(upper, lower) SETTLEMENT_##upper,
#define SETTLEMENT_KIND_ENUM(upper, lower) SETTLEMENT_KIND_##upper,
enum settlement_format { SETTLEMENT_FORMATS(SETTLEMENT_FORMAT_ENUM) SETTLEMENT_FORMAT_COUNT };
enum settlement_kind { SETTLEMENT_KINDS(SETTLEMENT_KIND_ENUM) SETTLEMENT_KIND_COUNT };

/* "adyen": ERR_NOT_FOUND for others. */
enum err settlement_format_find(const char *name, enum settlement_format *format) MUST_CHECK;
const char *settlement_format_name(enum settlement_format format);
const char *settlement_kind_name(enum settlement_kind kind);
/* The kind of that name; OTHER for words that are none. */
enum settlement_kind settlement_kind_find(struct slice name);

/*
 * One line. Texts may be "". Amounts are seen from us: what we get (a payout too) is above 0, what
 * we give is below; a fee that we bear is above 0. In one currency net = gross - fee.
 */
struct settlement_line {
    size_t row; /* of the file, from 1, its header counted; of camt the entry */
    enum settlement_kind kind;
    char type[SETTLEMENT_TEXT_MAX + 1];      /* as the file says it */
    char batch[SETTLEMENT_TEXT_MAX + 1];     /* payout, settlement or statement */
    char reference[SETTLEMENT_TEXT_MAX + 1]; /* of this very movement at the provider */
    char
        payment[SETTLEMENT_TEXT_MAX + 1]; /* of the original payment; of camt the remittance text */
    char own[SETTLEMENT_TEXT_MAX + 1];    /* ours: of the refund, else of the order or receipt */
    char terminal[SETTLEMENT_TEXT_MAX + 1];
    char currency[4]; /* of gross: what the customer paid in */
    int64_t gross_minor;
    char net_currency[4]; /* of fee and net: what we are paid in */
    int64_t fee_minor;
    int64_t net_minor;
    int64_t day; /* days since 1970-01-01 */
};

/* Takes each line as it is read; an error ends the reading. */
typedef enum err settlement_sink(void *context, const struct settlement_line *line,
                                 struct fault *fault);

struct settlement_reader;

/* ERR_NO_MEMORY. */
enum err settlement_open(enum settlement_format format, settlement_sink *sink, void *context,
                         struct settlement_reader **reader, struct fault *fault) MUST_CHECK;
/*
 * The file's next bytes. ERR_INVALID and ERR_TOO_LARGE name row and column; nothing more can be fed
 * then. Lines that were given to the sink before stay given.
 */
enum err settlement_feed(struct settlement_reader *reader, struct slice bytes,
                         struct fault *fault) MUST_CHECK;
/* The end of the file: gives the last line. ERR_INVALID if the file is cut off. */
enum err settlement_finish(struct settlement_reader *reader, struct fault *fault) MUST_CHECK;
/* Takes NULL. */
void settlement_close(struct settlement_reader *reader);

#endif
