/*
 * The retailer's rules for returns: one versioned JSON document (policy.schema.json says what it
 * may hold; policy.default.json ships). The document must outlive the policy: texts are borrowed.
 * Lists live in the arena. Read-only after policy_read, then any thread.
 *
 * Rules of one kind are tried in their order and the first whose `when` fits decides, so the
 * special stands before the general.
 *
 * Until the centre has told the time since the start, `clock` is "no": the policy that ships
 * decides by the date that the clock shows, but has a manager asked before a return is turned away
 * for it.
 */
#ifndef AGENT_RETURNS_POLICY_H
#define AGENT_RETURNS_POLICY_H

#include "agent/returns/words.h"
#include "hal/base/json.h"
#include "sync/contract/money.h"

enum { POLICY_WORDS_MAX = 64, POLICY_RULES_MAX = 500, POLICY_DAYS_MAX = 36500 };

/* What a rule looks at. A rule is broken when its check says so; then its outcome counts. */
#define POLICY_CHECKS(X)                                                                           \
    X(RECEIPT, receipt)             /* no receipt was given */                                     \
    X(KNOWN, known)                 /* the receipt is not known here */                            \
    X(CONFIRMED, confirmed)         /* the centre has not said what was returned elsewhere */      \
    X(HISTORY, history)             /* what was returned before may be incomplete */               \
    X(CLOCK, clock)                 /* the time is not trusted */                                  \
    X(WINDOW, window)               /* more days than `days`, holidays allowed for */              \
    X(AGE, age)                     /* more days than `days`, no holidays */                       \
    X(REFUSE, refuse)               /* always, when it fits */                                     \
    X(SERIAL, serial)               /* the serial number is missing or another */                  \
    X(AMOUNT, amount)               /* the return refunds more than `limits` */                    \
    X(VELOCITY, velocity)           /* `per` has more than `returns` or `limits` in `days` */      \
    X(WHOLE_ORDER, whole_order)     /* goods of the sale stay with the customer */                 \
    X(WHOLE_GROUP, whole_group)     /* a part of the line's group stays */                         \
    X(ITEM_ON_FILE, item_on_file)   /* without a receipt: the item is not known */                 \
    X(CLAIMED_PRICE, claimed_price) /* without a receipt: more claimed than the lowest price */    \
    X(AUTHORISATION, authorisation) /* the centre's number that is shown isn't known here */       \
    X(AUTHORISED_UNTIL, authorised_until)       /* ... or its time is over */                      \
    X(AUTHORISED_QUANTITY, authorised_quantity) /* ... or it allows fewer pieces */                \
    X(CASH, cash)                               /* the cash to hand over is more than `limits` */  \
    X(JURISDICTION, jurisdiction)               /* taxed in another country than the store's */

#define POLICY_CHECK_ENUM(upper, lower) POLICY_##upper,
enum policy_check { POLICY_CHECKS(POLICY_CHECK_ENUM) POLICY_CHECK_COUNT };
extern const char *const policy_check_words[POLICY_CHECK_COUNT + 1];

/* A code of the retailer's list and the built-in word whose rules it follows. */
struct policy_word {
    const char *code;
    int means; /* enum reason or enum condition */
};

/* An amount for one currency; a currency that isn't listed has no limit. */
struct policy_amount {
    const char *currency;
    int64_t amount_minor;
};

struct policy_amounts {
    struct policy_amount *list;
    size_t count;
};

enum policy_given { POLICY_EITHER, POLICY_YES, POLICY_NO };

/* A list of words as the document has it; policy_read makes masks of them. */
struct policy_names {
    const char **list;
    size_t count;
};

/* When a rule fits; an empty list fits all. Masks have one bit for each word of its list. */
struct policy_when {
    struct policy_names categories; /* "apparel" fits "apparel/socks" too */
    struct policy_names channel_names;
    struct policy_names kind_names;
    struct policy_names reason_names;
    struct policy_names condition_names;
    uint64_t channels; /* enum channel */
    uint64_t kinds;    /* enum line_kind */
    uint64_t reasons;  /* index in policy->reasons */
    uint64_t conditions;
    int receipt; /* enum policy_given */
    int link;
    int clock;
    int in_hand;
    int other_store;                   /* sold elsewhere than here */
    struct policy_amounts value_below; /* of one unit, as refunded */
    struct policy_amounts value_from;
};

struct policy_rule {
    const char *rule; /* its id, recorded with the decision */
    int check;        /* enum policy_check */
    const char *code; /* reason code told; NULL: the check's own */
    struct policy_when when;
    int outcome; /* enum outcome */
    int64_t days;
    bool has_days;
    int64_t returns;
    bool has_returns;
    int per; /* enum velocity */
    struct policy_amounts limits;
};

/* What was sold between the days may be returned at least until the last, local days since 1970. */
struct policy_holiday {
    const char *rule;
    const char *sold_from; /* "2026-11-01" */
    const char *sold_to;
    const char *until;
    int64_t sold_from_day;
    int64_t sold_to_day;
    int64_t until_day;
};

struct policy_fee {
    const char *rule;
    struct policy_when when;
    const char *rate_text;
    struct decimal rate; /* per cent of the net */
    bool taxed;
};

struct policy_disposition {
    const char *rule;
    struct policy_when when;
    int disposition; /* enum disposition */
};

/* The customer keeps the goods and gets the money, when they aren't in hand. */
struct policy_returnless {
    const char *rule;
    struct policy_when when;
};

/* What a tender that was paid may be refunded to: bits of enum tender_type. */
struct policy_allowed {
    int paid;                         /* enum tender_type */
    struct policy_names refund_names; /* the first is the usual one */
    struct policy_names manager_names;
    int usual;
    uint64_t refund;
    uint64_t with_manager;
};

struct policy_executor {
    int type;     /* enum tender_type */
    int executor; /* enum executor */
};

struct policy_rounding {
    const char *currency;
    const char *country; /* "" is any */
    int64_t step_minor;
    int method; /* enum policy_rounding_method */
};

enum policy_rounding_method { POLICY_ROUND_NEAREST, POLICY_ROUND_UP, POLICY_ROUND_DOWN };
enum policy_split { POLICY_SPLIT_PRIORITY, POLICY_SPLIT_PROPORTIONAL };
enum policy_fx { POLICY_FX_SALE, POLICY_FX_TODAY };

struct policy_tenders {
    int split; /* enum policy_split */
    struct policy_names priority;
    uint8_t rank[TENDER_COUNT];     /* lower is refunded first */
    struct policy_allowed *allowed; /* what isn't listed goes back to its own type */
    size_t allowed_count;
    struct policy_executor *executors;
    size_t executor_count;
    uint8_t executor[TENDER_COUNT]; /* enum executor */
    struct policy_names reissued_names;
    uint64_t reissued; /* tender types refunded to a new one (a new gift card) */
    struct policy_rounding *roundings;
    size_t rounding_count;
};

/* What one unit of `from` is in `to`, from that day on until a later one is named. */
struct policy_rate {
    const char *from;
    const char *to;
    const char *since; /* "2026-11-01" */
    int64_t since_day;
    const char *rate_text;
    struct decimal rate;
};

struct policy_no_receipt {
    int64_t price_days; /* how far back the lowest price is looked for */
    int refund;         /* enum tender_type */
};

#define POLICY_LANGUAGES(X) X(EN, en) X(DE, de) X(FR, fr) X(ES, es) X(PT, pt)
#define POLICY_LANGUAGE_ENUM(upper, lower) POLICY_##upper,
enum policy_language { POLICY_LANGUAGES(POLICY_LANGUAGE_ENUM) POLICY_LANGUAGE_COUNT };
extern const char *const policy_languages[POLICY_LANGUAGE_COUNT + 1];

/* What people read for a code (a reason, a condition, a decision's reason). */
struct policy_text {
    const char *code;
    const char *words[POLICY_LANGUAGE_COUNT];
};

struct policy {
    const char *schema; /* "$schema", for editors */
    const char *version;
    struct policy_word *reasons;
    size_t reason_count;
    struct policy_word *conditions;
    size_t condition_count;
    struct policy_rule *rules;
    size_t rule_count;
    struct policy_holiday *holidays;
    size_t holiday_count;
    struct policy_fee *fees;
    size_t fee_count;
    struct policy_disposition *dispositions;
    size_t disposition_count;
    struct policy_returnless *returnless;
    size_t returnless_count;
    struct policy_tenders tenders;
    struct policy_no_receipt no_receipt;
    int fx; /* enum policy_fx */
    struct policy_rate *rates;
    size_t rate_count;
    bool reverse_commission;
    struct policy_text *texts;
    size_t text_count;
};

/* ERR_INVALID names the path and the rule broken. */
enum err policy_read(const struct cJSON *json, struct arena *arena, struct policy *policy,
                     struct fault *fault) MUST_CHECK;

/* The code's text in that language, else in English, else the code itself. Never NULL. */
const char *policy_text(const struct policy *policy, enum policy_language language,
                        const char *code);

/* The index of a code in the policy's lists; the list's count if it isn't there. */
size_t policy_reason(const struct policy *policy, const char *code);
size_t policy_condition(const struct policy *policy, const char *code);

/* The longest window of a velocity rule for `per`: what the caller counts; 0 if there is none. */
int64_t policy_velocity_days(const struct policy *policy, enum velocity per);

/* The rate in force on a local day since 1970; zero digits if none is. */
struct decimal policy_rate_on(const struct policy *policy, const char *from, const char *to,
                              int64_t day);

/* The limit for a currency; NULL if none is set. */
const struct policy_amount *policy_limit(const struct policy_amounts *amounts,
                                         const char *currency);

#endif
