#include "sync/hub/ledger/period.h"
#include "hal/base/rfc3339.h"

#include <string.h>

enum { MS_PER_DAY = 86400000 };

int64_t day_of_ms(int64_t ms)
{
    return ms >= 0 ? ms / MS_PER_DAY : -((-ms + MS_PER_DAY - 1) / MS_PER_DAY);
}

enum err day_parse(const char *text, int64_t *day)
{
    char time[] = "0000-00-00T00:00:00Z";
    int64_t ms;
    if (strlen(text) != DAY_TEXT)
        return ERR_INVALID;
    memcpy(time, text, DAY_TEXT);
    if (rfc3339_parse(slice_of(time), &ms) != ERR_OK)
        return ERR_INVALID;
    *day = day_of_ms(ms);
    return ERR_OK;
}

void day_format(int64_t day, char text[static DAY_TEXT + 1])
{
    char time[RFC3339_TEXT + 1];
    rfc3339_format(day * MS_PER_DAY, time);
    memcpy(text, time, DAY_TEXT);
    text[DAY_TEXT] = '\0';
}

static const struct closed_period *closed_at(const struct period_rule *rule, int64_t day)
{
    for (size_t i = 0; i < rule->count; i++)
        if (rule->closed[i].first_day <= day && day <= rule->closed[i].last_day)
            return &rule->closed[i];
    return NULL;
}

enum err period_place(const struct period_rule *rule, int64_t document_day, int64_t *posting_day,
                      struct fault *fault)
{
    int64_t day = document_day;
    const struct closed_period *closed = closed_at(rule, day);
    if (closed && rule->when_closed == WHEN_CLOSED_PARK) {
        char text[DAY_TEXT + 1];
        day_format(document_day, text);
        return fault_set(fault, ERR_REFUSED, "period_closed",
                         "%s lies in a closed period: approve a later day, or reopen it", text);
    }
    for (; closed; closed = closed_at(rule, day))
        day = closed->last_day + 1;
    *posting_day = day;
    return ERR_OK;
}
