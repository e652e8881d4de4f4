/*
 * A decision: what was decided about a request, and all that follows from it, in the sale's
 * currency unless it says otherwise. Made by returns_decide; written to JSON by decision_write.
 * Lists live in the arena, texts are borrowed from sale, request and policy. Read-only.
 */
#ifndef AGENT_RETURNS_DECISION_H
#define AGENT_RETURNS_DECISION_H

#include "agent/returns/policy.h"
#include "agent/returns/request.h"
#include "agent/returns/sale.h"
#include "agent/returns/tracks.h"
#include "hal/base/jsonw.h"

/* For "no line": of a reason that concerns the whole return, of a line that has no sale. */
#define DECISION_NO_INDEX SIZE_MAX

struct decided_tax {
    const struct sale_tax *charged; /* at whose type, jurisdiction and rate it is reversed */
    int64_t amount_minor;
};

struct decided_fee {
    struct decimal rate; /* per cent */
    const char *rule;    /* "" if no fee is taken */
    bool taxed;
    int64_t base_minor;   /* the net it was taken of */
    int64_t amount_minor; /* kept back in all, tax included */
    int64_t tax_minor;    /* of that */
};

struct decided_commission {
    int64_t fee_minor;      /* commission that fell on the refunded part */
    int64_t kept_minor;     /* of it the marketplace keeps */
    int64_t reversed_minor; /* the difference: what it gives back */
};

struct decided_line {
    size_t request_index;
    size_t sale_index; /* DECISION_NO_INDEX without a sale */
    int64_t line;      /* the sale's line number; without a sale the request's position from 1 */
    int64_t quantity;
    const char *reason;
    const char *condition;
    const char *serial;
    int64_t amount_minor; /* in the line's stored basis: net or gross */
    int64_t net_minor;
    int64_t gross_minor;
    struct decided_tax *taxes; /* one for each component of the sale's line */
    size_t tax_count;
    struct decided_fee fee;
    int64_t cost_minor;
    bool has_cost; /* false: unknown, or the goods are not ours */
    struct decided_commission commission;
    bool adjustment; /* money without goods: a price adjustment */
    int goods;       /* enum goods: none, expected or received */
    int disposition; /* enum disposition */
    const char *disposition_rule;
    const char *returnless_rule; /* NULL unless the customer keeps the goods by that rule */
};

struct decided_reason {
    const char *code;     /* stable; its text is policy_text(code) */
    const char *rule;     /* the policy's rule id; "" for what no policy can allow */
    int outcome;          /* enum outcome: what this reason alone leads to */
    bool overridden;      /* a manager allowed it */
    size_t request_index; /* DECISION_NO_INDEX: the whole return */
};

struct decided_tender {
    int64_t tender;       /* the sale's tender that it goes back on; 0: a new one */
    size_t sale_index;    /* of that tender; DECISION_NO_INDEX: none */
    int type;             /* enum tender_type: what the customer gets */
    int64_t amount_minor; /* entitlement; of rounding: reversed, may be negative */
    /* In the pay-out currency: */
    int64_t paid_out_minor;      /* handed over, cash rounding counted; 0 for a rounding tender */
    int64_t cash_rounding_minor; /* of that, posted to rounding; may be negative */
    int64_t fx_minor;            /* of that, beyond the sale's rate: a loss if positive */
    bool reissued;               /* to a new gift card, voucher, ... */
    int executor;                /* enum executor */
    const char *reference;       /* the payment's token; may be NULL */
};

struct decision {
    int outcome; /* enum outcome */
    const char *policy_version;
    const char *rule; /* the id of the rule that decided; "" if none had anything against it */
    struct decided_reason *reasons;
    size_t reason_count;
    struct decided_line *lines;
    size_t line_count;
    struct decided_tender *tenders;
    size_t tender_count;
    const struct currency *currency;
    const struct currency *paid_currency;
    struct decimal fx_rate; /* pay-out currency per unit of the sale's; 1 when they are the same */
    int64_t total_minor;    /* gross less fees: the entitlement; applied and tenders sum to it */
    int64_t applied_minor;  /* of the total, used for a new sale (exchange) */
    int64_t payout_minor;   /* of the total, to the customer: without the rounding reversed */
    int64_t tax_minor;      /* reversed, fee's tax not counted */
    int64_t fee_minor;
    bool credits_market;  /* the marketplace refunds: the money is owed to it, its tax isn't ours */
    struct tracks tracks; /* the three tracks at the start */
};

/*
 * Writes the members "decision", "policy", "rule", "reasons", "lines", "refund", "goods", "money",
 * "posting" into the open object: the answer of POST /v1/returns, and what return.created carries.
 * `language` chooses the reasons' texts.
 */
void decision_write(const struct decision *decision, const struct policy *policy,
                    enum policy_language language, struct jsonw *w);

#endif
