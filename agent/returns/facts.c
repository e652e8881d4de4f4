#include "agent/returns/facts.h"

int64_t facts_day(const struct facts *facts, int64_t ms)
{
    static const int64_t day_ms = 86400000;
    static const int64_t minute_ms = 60000;
    int64_t local = ms + facts->utc_offset_minutes * minute_ms;
    int64_t day = local / day_ms;
    return local % day_ms < 0 ? day - 1 : day;
}
