#include "sync/hub/ingest/gift_card.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "sync/contract/money.h"
#include "sync/hub/ingest/exception.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stdio.h>
#include <string.h>

enum { DETAIL_MAX = 300 };

static const char *const kinds[] = {"gift_card", "voucher", "store_credit"};

bool gift_card_is(const char *tender)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i], tender) == 0)
            return true;
    return false;
}

/* How a card stands. */
struct balance {
    int64_t number;
    int64_t loaded_minor;
    int64_t spent_minor;
    bool ours; /* a refund made it */
    struct id correlation;
};

static enum err take_balance(struct database *db, struct statement *s, struct balance *balance,
                             struct fault *fault)
{
    bool row;
    enum err err = database_step(db, s, &row, fault);
    if (err || !row)
        return err;
    *balance = (struct balance){.number = column_int(s, 0),
                                .loaded_minor = column_int(s, 1),
                                .spent_minor = column_int(s, 2)};
    balance->ours =
        !column_is_null(s, 3) && column_bytes(s, 3, balance->correlation.bytes, ID_BYTES) == ERR_OK;
    statement_reset(s);
    return ERR_OK;
}

/* `loaded` and `spent` are added; `correlation` NULL: it is not said which return made it. */
static enum err add(struct database *db, const struct gift_card *card, int64_t loaded_minor,
                    int64_t spent_minor, const struct id *correlation, struct balance *balance,
                    struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_GIFT_CARD_ADD, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, card->reference);
    bind_text(s, 2, card->currency);
    bind_int(s, 3, loaded_minor);
    bind_int(s, 4, spent_minor);
    if (correlation)
        bind_blob(s, 5, correlation->bytes, ID_BYTES);
    return take_balance(db, s, balance, fault);
}

static enum err judge(struct database *db, const struct gift_card *card,
                      const struct balance *balance, char device[static DEVICE_ID_MAX + 1],
                      struct fault *fault)
{
    char detail[DETAIL_MAX];
    char loaded[MONEY_TEXT_MAX];
    char spent[MONEY_TEXT_MAX];
    *device = '\0';
    if (!balance->ours || balance->spent_minor <= balance->loaded_minor)
        return ERR_OK;
    (void)snprintf(detail, sizeof detail,
                   "sales took %s from card %.140s, and refunds put %s on it",
                   money_text(spent, balance->spent_minor, card->currency), card->reference,
                   money_text(loaded, balance->loaded_minor, card->currency));
    const struct exception exception = {.code = "gift_card_spent",
                                        .correlation = balance->correlation,
                                        .subject = balance->number,
                                        .detail = detail,
                                        .now_ms = card->now_ms};
    return exception_raise(db, &exception, device, fault);
}

enum err gift_card_load(struct database *db, const struct gift_card *card,
                        char device[static DEVICE_ID_MAX + 1], struct fault *fault)
{
    struct balance balance = {0};
    *device = '\0';
    if (!*card->reference)
        return ERR_OK;
    enum err err = add(db, card, card->amount_minor, 0, &card->correlation, &balance, fault);
    return err ? err : judge(db, card, &balance, device, fault);
}

enum err gift_card_void(struct database *db, const struct gift_card *card,
                        char device[static DEVICE_ID_MAX + 1], struct fault *fault)
{
    struct balance balance = {0};
    struct statement *s;
    *device = '\0';
    enum err err = database_statement(db, INGEST_GIFT_CARD_VOID, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, card->reference);
    bind_blob(s, 2, card->correlation.bytes, ID_BYTES);
    err = take_balance(db, s, &balance, fault);
    return err ? err : judge(db, card, &balance, device, fault);
}

static enum err pay(struct database *db, const struct cJSON *tender, const char *currency,
                    int64_t now_ms, struct fault *fault)
{
    char device[DEVICE_ID_MAX + 1];
    struct balance balance = {0};
    const char *type = json_member_text(tender, "type");
    const char *reference = json_member_text(tender, "reference");
    const struct gift_card card = {
        .reference = reference, .currency = currency ? currency : "", .now_ms = now_ms};
    if (!type || !gift_card_is(type) || !reference || !*reference)
        return ERR_OK;
    enum err err = add(db, &card, 0, json_member_int(tender, "amount", 0), NULL, &balance, fault);
    return err ? err : judge(db, &card, &balance, device, fault);
}

static bool names_a_card(struct slice data)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (memmem(data.data, data.len, kinds[i], strlen(kinds[i])))
            return true;
    return false;
}

enum err gift_card_pay(struct database *db, const struct event *sale, int64_t now_ms,
                       struct fault *fault)
{
    struct cJSON *data CLEANUP(json_cleanup) = NULL;
    if (!names_a_card(sale->data) ||
        json_parse(sale->data, JSON_LIMITS_DEFAULT, &data, NULL) != ERR_OK)
        return ERR_OK;
    enum err err = ERR_OK;
    const struct cJSON *tender = json_first(json_member(data, "tenders"));
    for (; !err && tender; tender = json_next(tender))
        err = pay(db, tender, json_member_text(data, "currency"), now_ms, fault);
    return err;
}
