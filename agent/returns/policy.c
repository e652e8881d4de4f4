#include "agent/returns/policy.h"
#include "agent/returns/policy_fields.h"
#include "hal/base/rfc3339.h"

#include <stdio.h>
#include <string.h>

#define CHECK_TEXT(upper, lower) #lower,
#define LANGUAGE_TEXT(upper, lower) #lower,

const char *const policy_check_words[POLICY_CHECK_COUNT + 1] = {POLICY_CHECKS(CHECK_TEXT) NULL};
const char *const policy_languages[POLICY_LANGUAGE_COUNT + 1] = {POLICY_LANGUAGES(LANGUAGE_TEXT)
                                                                     NULL};

static const int64_t day_ms = 86400000;
static const int64_t rate_digits_max = 999999999999;

static void within(struct fault *fault, const char *list, size_t index)
{
    char head[FAULT_WHERE_MAX];
    snprintf(head, sizeof head, "%s[%zu]", list, index);
    fault_within(fault, head);
}

/* A bit for each word's index, given a way to find it. */
typedef int find_word(const void *words, const char *name);

static int find_in_words(const void *words, const char *name)
{
    return word_find(words, name);
}

struct code_list {
    const struct policy_word *codes;
    size_t count;
};

static int find_in_codes(const void *words, const char *name)
{
    const struct code_list *list = words;
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->codes[i].code, name) == 0)
            return (int)i;
    return -1;
}

static enum err make_mask(const struct policy_names *names, find_word *find, const void *words,
                          const char *field, uint64_t *mask, struct fault *fault)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < names->count; i++) {
        int index = find(words, names->list[i]);
        if (index < 0) {
            enum err err =
                fault_set(fault, ERR_INVALID, "", "\"%.60s\" is not a known word", names->list[i]);
            within(fault, field, i);
            return err;
        }
        bits |= UINT64_C(1) << index;
    }
    *mask = bits;
    return ERR_OK;
}

static enum err check_amounts(const struct policy_amounts *amounts, const char *field,
                              struct fault *fault)
{
    for (size_t i = 0; i < amounts->count; i++) {
        if (currency_find(slice_of(amounts->list[i].currency)))
            continue;
        enum err err = fault_set(fault, ERR_INVALID, "currency", "is not a currency of ISO 4217");
        within(fault, field, i);
        return err;
    }
    return ERR_OK;
}

static enum err check_when(const struct policy *policy, struct policy_when *when,
                           struct fault *fault)
{
    struct code_list reasons = {policy->reasons, policy->reason_count};
    struct code_list conditions = {policy->conditions, policy->condition_count};
    enum err err = make_mask(&when->channel_names, find_in_words, channel_words, "channels",
                             &when->channels, fault);
    if (!err)
        err = make_mask(&when->kind_names, find_in_words, kind_words, "kinds", &when->kinds, fault);
    if (!err)
        err = make_mask(&when->reason_names, find_in_codes, &reasons, "reasons", &when->reasons,
                        fault);
    if (!err)
        err = make_mask(&when->condition_names, find_in_codes, &conditions, "conditions",
                        &when->conditions, fault);
    if (!err)
        err = check_amounts(&when->value_below, "value_below", fault);
    if (!err)
        err = check_amounts(&when->value_from, "value_from", fault);
    if (err)
        fault_within(fault, "when");
    return err;
}

/* What each check can't do without. */
static enum err check_rule_needs(const struct policy_rule *rule, struct fault *fault)
{
    bool counts_days =
        rule->check == POLICY_WINDOW || rule->check == POLICY_AGE || rule->check == POLICY_VELOCITY;
    bool has_limits = rule->limits.count > 0;
    if (counts_days && !rule->has_days)
        return fault_set(fault, ERR_INVALID, "days", "is missing; the check %s needs it",
                         policy_check_words[rule->check]);
    if ((rule->check == POLICY_AMOUNT || rule->check == POLICY_CASH) && !has_limits)
        return fault_set(fault, ERR_INVALID, "limits", "is missing; the check %s needs it",
                         policy_check_words[rule->check]);
    if (rule->check == POLICY_VELOCITY && !rule->has_returns && !has_limits)
        return fault_set(fault, ERR_INVALID, "returns", "velocity needs returns or limits");
    if (rule->check == POLICY_REFUSE && !rule->code)
        return fault_set(fault, ERR_INVALID, "code", "is missing; a refusal says why");
    return ERR_OK;
}

static enum err check_rules(struct policy *policy, struct fault *fault)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        struct policy_rule *rule = &policy->rules[i];
        enum err err = check_rule_needs(rule, fault);
        if (!err)
            err = check_when(policy, &rule->when, fault);
        if (!err)
            err = check_amounts(&rule->limits, "limits", fault);
        for (size_t k = 0; k < i && !err; k++)
            if (strcmp(policy->rules[k].rule, rule->rule) == 0)
                err = fault_set(fault, ERR_INVALID, "rule", "this id occurs twice");
        if (err) {
            within(fault, "rules", i);
            return err;
        }
    }
    return ERR_OK;
}

static enum err read_day(const char *text, const char *field, int64_t *day, struct fault *fault)
{
    char time[32];
    int64_t ms = 0;
    snprintf(time, sizeof time, "%.10sT00:00:00Z", text);
    if (strlen(text) != 10 || rfc3339_parse(slice_of(time), &ms) != ERR_OK)
        return fault_set(fault, ERR_INVALID, field, "must be a date such as 2026-12-24");
    *day = ms / day_ms;
    return ERR_OK;
}

static enum err check_holidays(struct policy *policy, struct fault *fault)
{
    for (size_t i = 0; i < policy->holiday_count; i++) {
        struct policy_holiday *holiday = &policy->holidays[i];
        enum err err = read_day(holiday->sold_from, "sold_from", &holiday->sold_from_day, fault);
        if (!err)
            err = read_day(holiday->sold_to, "sold_to", &holiday->sold_to_day, fault);
        if (!err)
            err = read_day(holiday->until, "until", &holiday->until_day, fault);
        if (!err && (holiday->sold_to_day < holiday->sold_from_day ||
                     holiday->until_day < holiday->sold_to_day))
            err = fault_set(fault, ERR_INVALID, "until", "the dates must follow each other");
        if (err) {
            within(fault, "holidays", i);
            return err;
        }
    }
    return ERR_OK;
}

static enum err check_rate(struct policy_rate *rate, struct fault *fault)
{
    if (!currency_find(slice_of(rate->from)))
        return fault_set(fault, ERR_INVALID, "from", "is not a currency of ISO 4217");
    if (!currency_find(slice_of(rate->to)))
        return fault_set(fault, ERR_INVALID, "to", "is not a currency of ISO 4217");
    if (decimal_parse(slice_of(rate->rate_text), &rate->rate) != ERR_OK || rate->rate.digits <= 0 ||
        rate->rate.digits > rate_digits_max)
        return fault_set(fault, ERR_INVALID, "rate",
                         "must be a decimal number above zero, of at most 12 digits");
    return read_day(rate->since, "since", &rate->since_day, fault);
}

static enum err check_rates(struct policy *policy, struct fault *fault)
{
    for (size_t i = 0; i < policy->rate_count; i++) {
        enum err err = check_rate(&policy->rates[i], fault);
        if (err) {
            within(fault, "rates", i);
            return err;
        }
    }
    return ERR_OK;
}

static enum err check_fees(struct policy *policy, struct fault *fault)
{
    for (size_t i = 0; i < policy->fee_count; i++) {
        struct policy_fee *fee = &policy->fees[i];
        enum err err = check_when(policy, &fee->when, fault);
        if (!err && (decimal_parse(slice_of(fee->rate_text), &fee->rate) != ERR_OK ||
                     fee->rate.digits < 0 || money_times(1000000, fee->rate) > 100000000))
            err = fault_set(fault, ERR_INVALID, "rate",
                            "must be a decimal number of per cent from 0 to 100");
        if (err) {
            within(fault, "fees", i);
            return err;
        }
    }
    return ERR_OK;
}

static enum err check_routes(struct policy *policy, struct fault *fault)
{
    for (size_t i = 0; i < policy->disposition_count; i++)
        if (check_when(policy, &policy->dispositions[i].when, fault) != ERR_OK) {
            within(fault, "dispositions", i);
            return ERR_INVALID;
        }
    for (size_t i = 0; i < policy->returnless_count; i++)
        if (check_when(policy, &policy->returnless[i].when, fault) != ERR_OK) {
            within(fault, "returnless", i);
            return ERR_INVALID;
        }
    return ERR_OK;
}

static enum err check_words(const struct policy_word *words, size_t count, const char *list,
                            struct fault *fault)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(words[i].code, words[k].code) == 0) {
                enum err err = fault_set(fault, ERR_INVALID, "code", "occurs twice");
                within(fault, list, i);
                return err;
            }
    return ERR_OK;
}

static enum err check_allowed(struct policy_tenders *tenders, struct fault *fault)
{
    const uint64_t rounding = UINT64_C(1) << TENDER_ROUNDING;
    for (size_t i = 0; i < tenders->allowed_count; i++) {
        struct policy_allowed *allowed = &tenders->allowed[i];
        enum err err = make_mask(&allowed->refund_names, find_in_words, tender_words, "refund",
                                 &allowed->refund, fault);
        if (!err)
            err = make_mask(&allowed->manager_names, find_in_words, tender_words, "with_manager",
                            &allowed->with_manager, fault);
        if (!err && allowed->refund == 0)
            err = fault_set(fault, ERR_INVALID, "refund", "must have at least one tender type");
        if (!err && ((allowed->refund | allowed->with_manager) & rounding))
            err = fault_set(fault, ERR_INVALID, "refund", "rounding is never paid out");
        if (err) {
            within(fault, "allowed", i);
            return err;
        }
        allowed->usual = word_find(tender_words, allowed->refund_names.list[0]);
    }
    return ERR_OK;
}

/* Types that the policy doesn't rank follow in their own order. */
static enum err rank_tenders(struct policy_tenders *tenders, struct fault *fault)
{
    uint64_t ranked = 0;
    enum err err =
        make_mask(&tenders->priority, find_in_words, tender_words, "priority", &ranked, fault);
    if (err)
        return err;
    for (int type = 0; type < TENDER_COUNT; type++)
        tenders->rank[type] = (uint8_t)(TENDER_COUNT + type);
    for (size_t i = tenders->priority.count; i > 0; i--)
        tenders->rank[word_find(tender_words, tenders->priority.list[i - 1])] = (uint8_t)(i - 1);
    return ERR_OK;
}

static void choose_executors(struct policy_tenders *tenders)
{
    static const uint8_t usual[TENDER_COUNT] = {
        [TENDER_CASH] = EXECUTOR_TILL,          [TENDER_CARD] = EXECUTOR_TERMINAL,
        [TENDER_GIFT_CARD] = EXECUTOR_TILL,     [TENDER_VOUCHER] = EXECUTOR_TILL,
        [TENDER_STORE_CREDIT] = EXECUTOR_TILL,  [TENDER_WALLET] = EXECUTOR_TERMINAL,
        [TENDER_ONLINE_PAYMENT] = EXECUTOR_HUB, [TENDER_STORE_ACCOUNT] = EXECUTOR_HUB,
        [TENDER_CHEQUE] = EXECUTOR_HUB,         [TENDER_LOYALTY] = EXECUTOR_HUB,
        [TENDER_ROUNDING] = EXECUTOR_NONE,
    };
    memcpy(tenders->executor, usual, sizeof usual);
    for (size_t i = 0; i < tenders->executor_count; i++)
        tenders->executor[tenders->executors[i].type] = (uint8_t)tenders->executors[i].executor;
    tenders->executor[TENDER_ROUNDING] = EXECUTOR_NONE;
}

static enum err check_roundings(struct policy_tenders *tenders, struct fault *fault)
{
    for (size_t i = 0; i < tenders->rounding_count; i++) {
        struct policy_rounding *rounding = &tenders->roundings[i];
        rounding->country = rounding->country ? rounding->country : "";
        if (currency_find(slice_of(rounding->currency)))
            continue;
        enum err err = fault_set(fault, ERR_INVALID, "currency", "is not a currency of ISO 4217");
        within(fault, "cash_rounding", i);
        return err;
    }
    return ERR_OK;
}

static enum err check_tenders(struct policy_tenders *tenders, struct fault *fault)
{
    enum err err = check_allowed(tenders, fault);
    if (!err)
        err = rank_tenders(tenders, fault);
    if (!err)
        err = make_mask(&tenders->reissued_names, find_in_words, tender_words, "reissued",
                        &tenders->reissued, fault);
    if (!err)
        err = check_roundings(tenders, fault);
    if (err)
        fault_within(fault, "tenders");
    else
        choose_executors(tenders);
    return err;
}

static enum err check_policy(struct policy *policy, struct fault *fault)
{
    enum err err = check_words(policy->reasons, policy->reason_count, "reasons", fault);
    if (!err)
        err = check_words(policy->conditions, policy->condition_count, "conditions", fault);
    if (!err)
        err = check_rules(policy, fault);
    if (!err)
        err = check_holidays(policy, fault);
    if (!err)
        err = check_rates(policy, fault);
    if (!err)
        err = check_fees(policy, fault);
    if (!err)
        err = check_routes(policy, fault);
    if (!err && policy->no_receipt.refund == TENDER_ROUNDING)
        err = fault_set(fault, ERR_INVALID, "no_receipt.refund", "rounding is never paid out");
    return err ? err : check_tenders(&policy->tenders, fault);
}

enum err policy_read(const struct cJSON *json, struct arena *arena, struct policy *policy,
                     struct fault *fault)
{
    enum { NO_RECEIPT_DAYS = 90 };
    struct policy read = {
        .no_receipt = {.price_days = NO_RECEIPT_DAYS, .refund = TENDER_STORE_CREDIT},
        .reverse_commission = true,
    };
    enum err err = json_read(json, &policy_table, &read, arena, fault);
    if (!err)
        err = check_policy(&read, fault);
    if (err)
        return err;
    *policy = read;
    return ERR_OK;
}

const char *policy_text(const struct policy *policy, enum policy_language language,
                        const char *code)
{
    for (size_t i = 0; i < policy->text_count; i++) {
        const struct policy_text *text = &policy->texts[i];
        if (strcmp(text->code, code) != 0)
            continue;
        if (text->words[language])
            return text->words[language];
        return text->words[POLICY_EN] ? text->words[POLICY_EN] : code;
    }
    return code;
}

static size_t find_code(const struct policy_word *words, size_t count, const char *code)
{
    size_t i = 0;
    while (i < count && strcmp(words[i].code, code) != 0)
        i++;
    return i;
}

size_t policy_reason(const struct policy *policy, const char *code)
{
    return find_code(policy->reasons, policy->reason_count, code);
}

size_t policy_condition(const struct policy *policy, const char *code)
{
    return find_code(policy->conditions, policy->condition_count, code);
}

int64_t policy_velocity_days(const struct policy *policy, enum velocity per)
{
    int64_t days = 0;
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        if (rule->check == POLICY_VELOCITY && rule->per == (int)per && rule->days > days)
            days = rule->days;
    }
    return days;
}

struct decimal policy_rate_on(const struct policy *policy, const char *from, const char *to,
                              int64_t day)
{
    const struct policy_rate *latest = NULL;
    for (size_t i = 0; i < policy->rate_count; i++) {
        const struct policy_rate *rate = &policy->rates[i];
        if (rate->since_day <= day && (!latest || rate->since_day >= latest->since_day) &&
            strcmp(rate->from, from) == 0 && strcmp(rate->to, to) == 0)
            latest = rate;
    }
    return latest ? latest->rate : (struct decimal){0};
}

const struct policy_amount *policy_limit(const struct policy_amounts *amounts, const char *currency)
{
    for (size_t i = 0; i < amounts->count; i++)
        if (strcmp(amounts->list[i].currency, currency) == 0)
            return &amounts->list[i];
    return NULL;
}
