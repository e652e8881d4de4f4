/*
 * Applying one event: the position that is being made, and how entries are made for it from the
 * company's templates. Inside of the ledger only. Pure.
 */
#ifndef SYNC_HUB_LEDGER_BOOKING_H
#define SYNC_HUB_LEDGER_BOOKING_H

#include "sync/hub/ledger/books.h"
#include "sync/hub/ledger/position.h"

struct booking {
    const struct company *company;
    const struct milestone *milestone;
    struct position *position; /* its lists are the booking's own, with room for what is added */
    struct arena *arena;
    struct fault *fault;
};

/* What a template draws on. */
struct booking_amounts {
    int64_t of[AMOUNT_COUNT]; /* by enum amount; TAX and FEE_TAX come from the lists */
    struct tax_list tax;
    struct tax_list fee_tax;
    const char *tender; /* type; NULL is "" */
    bool from_repair;   /* the role "holding" is stock in repair, not in quarantine */
};

/* A copy of the position with room for what one event may add. */
enum err booking_start(struct booking *b, const struct position *before) MUST_CHECK;

/* Begins an entry for this event and rule; add to it, then finish it. */
enum err booking_begin(const struct booking *b, const char *rule, struct entry *entry) MUST_CHECK;
/* Adds the trigger's template with these amounts. */
enum err booking_add(const struct booking *b, struct entry *entry, enum trigger trigger,
                     const struct booking_amounts *amounts) MUST_CHECK;
/* Adds the mirror image of an earlier entry. */
enum err booking_mirror(const struct booking *b, struct entry *entry,
                        const struct entry *earlier) MUST_CHECK;
/* Keeps the entry, unless nothing is left in it. `reference` (may be NULL): "" if it wasn't kept.
 */
void booking_finish(const struct booking *b, struct entry *entry, const char **reference);
/* All of it, for one trigger. */
enum err booking_book(const struct booking *b, enum trigger trigger,
                      const struct booking_amounts *amounts, const char **reference) MUST_CHECK;
/* For a trigger with the one amount `amount`. */
enum err booking_book_amount(const struct booking *b, enum trigger trigger, const char *tender,
                             int64_t amount_minor) MUST_CHECK;

/* An amount of the return's currency in the one that is paid back, by a rate; "" is the same. */
enum err booking_convert(const struct booking *b, const char *rate, int64_t amount_minor,
                         int64_t *converted_minor) MUST_CHECK;
enum err booking_convert_tax(const struct booking *b, const struct tax_list *tax,
                             struct tax_list *converted) MUST_CHECK;
enum err booking_no_room(const struct booking *b) MUST_CHECK;

#endif
