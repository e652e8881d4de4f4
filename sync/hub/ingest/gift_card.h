/*
 * Gift cards, vouchers and store credit that refunds put money on, and what sales were paid by
 * them. A store that can't reach the issuer takes a card that is empty already, and a refund that
 * failed leaves a card that may be spent: where more was paid by a card than is on it, the
 * exception gift_card_spent is raised about the return that made the card. Cards that no refund
 * made are the issuer's alone. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_GIFT_CARD_H
#define SYNC_HUB_INGEST_GIFT_CARD_H

#include "hal/database.h"
#include "sync/contract/event.h"

struct gift_card {
    const char *reference; /* its token */
    const char *currency;
    int64_t amount_minor;  /* put on it */
    struct id correlation; /* the return */
    int64_t now_ms;
};

/* Tenders that are cards of this kind. */
bool gift_card_is(const char *tender);
/* `device` as of exception_raise. */
enum err gift_card_load(struct database *db, const struct gift_card *card,
                        char device[static DEVICE_ID_MAX + 1], struct fault *fault) MUST_CHECK;
/* The refund that made the card failed: nothing is on it. Nothing happens for other cards. */
enum err gift_card_void(struct database *db, const struct gift_card *card,
                        char device[static DEVICE_ID_MAX + 1], struct fault *fault) MUST_CHECK;
/*
 * A sale (sale.recorded, sale.pushed): what was paid by such cards. A store that must know of an
 * exception is told when it speaks next.
 */
enum err gift_card_pay(struct database *db, const struct event *sale, int64_t now_ms,
                       struct fault *fault) MUST_CHECK;

#endif
