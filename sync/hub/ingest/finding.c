#include "sync/hub/ingest/finding.h"
#include "sync/contract/money.h"
#include "sync/hub/ingest/exception.h"

#include <stdio.h>
#include <string.h>

enum { DETAIL_MAX = 300 };

static const char overpaid[] = "refund_exceeds_paid";

enum err finding_unmapped(struct database *db, const struct event *event, int64_t event_no,
                          const char *detail, int64_t now_ms, struct fault *fault)
{
    char key[ID_TEXT + 1];
    char device[DEVICE_ID_MAX + 1];
    id_format(&event->id, key);
    const struct exception exception = {.code = FINDING_UNMAPPED,
                                        .correlation = event->correlation,
                                        .subject = event_no,
                                        .key = key,
                                        .detail = detail,
                                        .now_ms = now_ms};
    return exception_raise(db, &exception, device, fault);
}

enum err finding_mapped(struct database *db, int64_t event_no, const char *how, int64_t now_ms,
                        struct fault *fault)
{
    return exception_settle(db, FINDING_UNMAPPED, event_no, how, now_ms, fault);
}

static int64_t given_back(const struct position *position)
{
    int64_t sum = 0;
    for (size_t i = 0; i < position->payment_count; i++)
        sum += position->payments[i].failed ? 0 : position->payments[i].amount_minor;
    return sum;
}

static bool is_overpaid(const struct position *position)
{
    return position->created && given_back(position) > position->entitlement_minor;
}

bool finding_changes(const struct position *before, const struct position *after)
{
    return is_overpaid(before) != is_overpaid(after);
}

int64_t finding_subject(const struct id *correlation)
{
    int64_t number = 0;
    memcpy(&number, correlation->bytes + ID_BYTES - sizeof number, sizeof number);
    return number & INT64_MAX;
}

enum err finding_paid(struct database *db, const struct id *correlation,
                      const struct position *before, const struct position *after, int64_t now_ms,
                      struct fault *fault)
{
    char detail[DETAIL_MAX];
    char given[MONEY_TEXT_MAX];
    char worth[MONEY_TEXT_MAX];
    char device[DEVICE_ID_MAX + 1];
    if (!finding_changes(before, after))
        return ERR_OK;
    if (is_overpaid(before))
        return exception_settle(db, overpaid, finding_subject(correlation),
                                "no more is given back than the return is worth", now_ms, fault);
    (void)snprintf(detail, sizeof detail, "%s were given back for return %.64s, which is worth %s",
                   money_text(given, given_back(after), after->currency), after->number,
                   money_text(worth, after->entitlement_minor, after->currency));
    const struct exception exception = {.code = overpaid,
                                        .correlation = *correlation,
                                        .subject = finding_subject(correlation),
                                        .detail = detail,
                                        .now_ms = now_ms};
    return exception_raise(db, &exception, device, fault);
}
