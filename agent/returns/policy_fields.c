#include "agent/returns/policy_fields.h"
#include "agent/returns/fields.h"

enum { LIST_MAX = 200, RATES_MAX = 5000 };

#define NAMES(type, field, member) TEXTS(type, field, member.list, member.count, LIST_MAX)

static const char *const given_words[] = {"either", "yes", "no", NULL};
static const char *const split_words[] = {"priority", "proportional", NULL};
static const char *const fx_words[] = {"sale", "today", NULL};
static const char *const rounding_words[] = {"nearest", "up", "down", NULL};

static const struct json_field amount_fields[] = {
    {.name = "currency", .kind = JSON_TEXT, AT(policy_amount, currency), .min = 3, .max = 3},
    AMOUNT(policy_amount, "amount", amount_minor),
};
static const struct json_table amount_table = TABLE(amount_fields, policy_amount);

#define AMOUNTS(type, field, member)                                                               \
    OPTIONAL_LIST(type, field, member.list, member.count, amount_table, LIST_MAX)

static const struct json_field when_fields[] = {
    NAMES(policy_when, "categories", categories),
    NAMES(policy_when, "channels", channel_names),
    NAMES(policy_when, "kinds", kind_names),
    NAMES(policy_when, "reasons", reason_names),
    NAMES(policy_when, "conditions", condition_names),
    OPTIONAL_CHOICE(policy_when, "receipt", receipt, given_words),
    OPTIONAL_CHOICE(policy_when, "link", link, given_words),
    OPTIONAL_CHOICE(policy_when, "clock", clock, given_words),
    OPTIONAL_CHOICE(policy_when, "in_hand", in_hand, given_words),
    OPTIONAL_CHOICE(policy_when, "other_store", other_store, given_words),
    AMOUNTS(policy_when, "value_below", value_below),
    AMOUNTS(policy_when, "value_from", value_from),
};
static const struct json_table when_table = TABLE(when_fields, policy_when);

static const struct json_field reason_fields[] = {
    NAME(policy_word, "code", code),
    CHOICE(policy_word, "means", means, reason_words),
};
static const struct json_table reason_table = TABLE(reason_fields, policy_word);

static const struct json_field condition_fields[] = {
    NAME(policy_word, "code", code),
    CHOICE(policy_word, "means", means, condition_words),
};
static const struct json_table condition_table = TABLE(condition_fields, policy_word);

static const struct json_field rule_fields[] = {
    NAME(policy_rule, "rule", rule),
    CHOICE(policy_rule, "check", check, policy_check_words),
    OPTIONAL_NAME(policy_rule, "code", code),
    OBJECT(policy_rule, "when", when, when_table),
    CHOICE(policy_rule, "outcome", outcome, outcome_words),
    {.name = "days",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     AT(policy_rule, days),
     .max = POLICY_DAYS_MAX,
     .present_offset = offsetof(struct policy_rule, has_days)},
    {.name = "returns",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     AT(policy_rule, returns),
     .max = INT32_MAX,
     .present_offset = offsetof(struct policy_rule, has_returns)},
    OPTIONAL_CHOICE(policy_rule, "per", per, velocity_words),
    AMOUNTS(policy_rule, "limits", limits),
};
static const struct json_table rule_table = TABLE(rule_fields, policy_rule);

static const struct json_field holiday_fields[] = {
    NAME(policy_holiday, "rule", rule),
    NAME(policy_holiday, "sold_from", sold_from),
    NAME(policy_holiday, "sold_to", sold_to),
    NAME(policy_holiday, "until", until),
};
static const struct json_table holiday_table = TABLE(holiday_fields, policy_holiday);

static const struct json_field fee_fields[] = {
    NAME(policy_fee, "rule", rule),
    OBJECT(policy_fee, "when", when, when_table),
    NAME(policy_fee, "rate", rate_text),
    OPTIONAL_FLAG(policy_fee, "taxed", taxed),
};
static const struct json_table fee_table = TABLE(fee_fields, policy_fee);

static const struct json_field disposition_fields[] = {
    NAME(policy_disposition, "rule", rule),
    OBJECT(policy_disposition, "when", when, when_table),
    CHOICE(policy_disposition, "disposition", disposition, disposition_words),
};
static const struct json_table disposition_table = TABLE(disposition_fields, policy_disposition);

static const struct json_field returnless_fields[] = {
    NAME(policy_returnless, "rule", rule),
    OBJECT(policy_returnless, "when", when, when_table),
};
static const struct json_table returnless_table = TABLE(returnless_fields, policy_returnless);

static const struct json_field allowed_fields[] = {
    CHOICE(policy_allowed, "paid", paid, tender_words),
    NAMES(policy_allowed, "refund", refund_names),
    NAMES(policy_allowed, "with_manager", manager_names),
};
static const struct json_table allowed_table = TABLE(allowed_fields, policy_allowed);

static const struct json_field executor_fields[] = {
    CHOICE(policy_executor, "type", type, tender_words),
    CHOICE(policy_executor, "executor", executor, executor_words),
};
static const struct json_table executor_table = TABLE(executor_fields, policy_executor);

static const struct json_field rounding_fields[] = {
    {.name = "currency", .kind = JSON_TEXT, AT(policy_rounding, currency), .min = 3, .max = 3},
    {.name = "country",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     AT(policy_rounding, country),
     .min = 2,
     .max = 2},
    {.name = "step", .kind = JSON_INT, AT(policy_rounding, step_minor), .min = 1, .max = 1000000},
    OPTIONAL_CHOICE(policy_rounding, "method", method, rounding_words),
};
static const struct json_table rounding_table = TABLE(rounding_fields, policy_rounding);

static const struct json_field tenders_fields[] = {
    OPTIONAL_CHOICE(policy_tenders, "split", split, split_words),
    NAMES(policy_tenders, "priority", priority),
    OPTIONAL_LIST(policy_tenders, "allowed", allowed, allowed_count, allowed_table, TENDER_COUNT),
    OPTIONAL_LIST(policy_tenders, "executors", executors, executor_count, executor_table,
                  TENDER_COUNT),
    NAMES(policy_tenders, "reissued", reissued_names),
    OPTIONAL_LIST(policy_tenders, "cash_rounding", roundings, rounding_count, rounding_table,
                  LIST_MAX),
};
static const struct json_table tenders_table = TABLE(tenders_fields, policy_tenders);

static const struct json_field no_receipt_fields[] = {
    {.name = "price_days",
     .kind = JSON_INT,
     AT(policy_no_receipt, price_days),
     .min = 1,
     .max = POLICY_DAYS_MAX},
    CHOICE(policy_no_receipt, "refund", refund, tender_words),
};
static const struct json_table no_receipt_table = TABLE(no_receipt_fields, policy_no_receipt);

static const struct json_field rate_fields[] = {
    {.name = "from", .kind = JSON_TEXT, AT(policy_rate, from), .min = 3, .max = 3},
    {.name = "to", .kind = JSON_TEXT, AT(policy_rate, to), .min = 3, .max = 3},
    NAME(policy_rate, "since", since),
    NAME(policy_rate, "rate", rate_text),
};
static const struct json_table rate_table = TABLE(rate_fields, policy_rate);

#define LANGUAGE_FIELD(upper, lower) TEXT(policy_text, #lower, words[POLICY_##upper]),
static const struct json_field text_fields[] = {NAME(policy_text, "code", code),
                                                POLICY_LANGUAGES(LANGUAGE_FIELD)};
static const struct json_table text_table = TABLE(text_fields, policy_text);

static const struct json_field policy_fields[] = {
    TEXT(policy, "$schema", schema),
    NAME(policy, "version", version),
    LIST(policy, "reasons", reasons, reason_count, reason_table, 1, POLICY_WORDS_MAX),
    LIST(policy, "conditions", conditions, condition_count, condition_table, 1, POLICY_WORDS_MAX),
    LIST(policy, "rules", rules, rule_count, rule_table, 0, POLICY_RULES_MAX),
    OPTIONAL_LIST(policy, "holidays", holidays, holiday_count, holiday_table, LIST_MAX),
    OPTIONAL_LIST(policy, "fees", fees, fee_count, fee_table, POLICY_RULES_MAX),
    OPTIONAL_LIST(policy, "dispositions", dispositions, disposition_count, disposition_table,
                  POLICY_RULES_MAX),
    OPTIONAL_LIST(policy, "returnless", returnless, returnless_count, returnless_table,
                  POLICY_RULES_MAX),
    OBJECT(policy, "tenders", tenders, tenders_table),
    OBJECT(policy, "no_receipt", no_receipt, no_receipt_table),
    OPTIONAL_CHOICE(policy, "fx", fx, fx_words),
    OPTIONAL_LIST(policy, "rates", rates, rate_count, rate_table, RATES_MAX),
    OPTIONAL_FLAG(policy, "reverse_commission", reverse_commission),
    OPTIONAL_LIST(policy, "texts", texts, text_count, text_table, 1000),
};
const struct json_table policy_table = TABLE(policy_fields, policy);
