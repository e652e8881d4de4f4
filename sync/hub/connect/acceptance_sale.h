/*
 * What a return of the centre gives back of a sale (acceptance.h): the share of each line, of what
 * was paid for it after all discounts, less what the sale's other returns gave back; the restocking
 * fee that was agreed; and on which tenders, by priority, never more than is left on one. By the
 * rules that stores go by, on the JSON of events. Pure.
 */
#ifndef SYNC_HUB_CONNECT_ACCEPTANCE_SALE_H
#define SYNC_HUB_CONNECT_ACCEPTANCE_SALE_H

#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "sync/contract/money.h"

enum { ACCEPTANCE_TAXES_MAX = 16 };

/* A rate on the net of what comes back, and tax on that, if it bears any. */
struct acceptance_fee {
    struct decimal rate; /* percent; 0: none */
    bool taxed;
};

/* The first two are the caller's; the documents outlive it. */
struct acceptance_sale {
    const struct cJSON *sale;    /* as it was recorded */
    struct cJSON *const *others; /* return.created of what else came back of it */
    size_t other_count;
    struct acceptance_fee fee;
    bool prices_include_tax;
    int64_t *paid_minor; /* of each line in their order, after all discounts */
    size_t line_count;
};

/* What all lines of the return come to. */
struct acceptance_sums {
    int64_t total_minor; /* gross less fees: what is given back */
    int64_t tax_minor;
    int64_t fee_minor;
};

/* A text of the object, "" without one; the first of a list, NULL without one. Both take NULL. */
const char *acceptance_text(const struct cJSON *object, const char *name);
const struct cJSON *acceptance_first(const struct cJSON *object, const char *name);

/* Reads the rest from the documents. ERR_INVALID; ERR_REFUSED: discounts of more than the lines. */
enum err acceptance_sale_read(struct acceptance_sale *sale, struct arena *arena,
                              struct fault *fault) MUST_CHECK;
/*
 * Writes the line of return.created for one that is asked for ({line, quantity, reason?}), and adds
 * it to the sums. ERR_REFUSED: it is not on the receipt, not enough of it is left, or its price was
 * adjusted.
 */
enum err acceptance_line_write(const struct acceptance_sale *sale, const struct cJSON *asked,
                               struct jsonw *w, struct acceptance_sums *sums,
                               struct fault *fault) MUST_CHECK;
/* Writes "refund". ERR_REFUSED: part of it was paid by what only a store can give back. */
enum err acceptance_refund_write(const struct acceptance_sale *sale,
                                 const struct acceptance_sums *sums, struct jsonw *w,
                                 struct fault *fault) MUST_CHECK;

#endif
