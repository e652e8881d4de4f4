/* What a settlement format brings, and what the formats share. Inside of settlement only. */
#ifndef SYNC_HUB_CONNECT_SETTLEMENT_FORMAT_H
#define SYNC_HUB_CONNECT_SETTLEMENT_FORMAT_H

#include "sync/hub/connect/settlement.h"

/* Where a format's reader gives its lines. */
struct settlement_out {
    settlement_sink *sink;
    void *context;
};

struct settlement_ops {
    /* NULL when memory is exhausted. */
    void *(*open)(struct settlement_out out, enum settlement_format format);
    enum err (*feed)(void *self, struct slice bytes, struct fault *fault);
    enum err (*finish)(void *self, struct fault *fault);
    void (*close)(void *self);
};

extern const struct settlement_ops settlement_adyen;
extern const struct settlement_ops settlement_stripe;
extern const struct settlement_ops settlement_amazon;
extern const struct settlement_ops settlement_camt;

/* Copies, cut at SETTLEMENT_TEXT_MAX bytes, between two characters. */
void settlement_text(char to[static SETTLEMENT_TEXT_MAX + 1], struct slice from);
/* An ISO 4217 code: ERR_INVALID otherwise. */
enum err settlement_currency(struct slice text, char to[static 4]) MUST_CHECK;
/*
 * "-12.34" or "12,34" in a currency to minor units; no text is 0. Places beyond the currency's must
 * be zeros, and three of them behind a comma are thousands as likely: ERR_INVALID.
 */
enum err settlement_amount(struct slice text, const char *currency, int64_t *minor) MUST_CHECK;
/* The day at the start of "2026-11-22...", "22.11.2026..." or "22/11/2026...". ERR_INVALID. */
enum err settlement_day(struct slice text, int64_t *day) MUST_CHECK;

#endif
