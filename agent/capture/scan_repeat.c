#include "agent/capture/scan_repeat.h"

#include <stdio.h>
#include <string.h>

/* The scanner's place; else a free one; else the one that was quiet for longest. */
static size_t place_of(const struct scan_repeat *repeat, const char *scanner)
{
    size_t place = 0;
    for (size_t i = 0; i < SCAN_REPEAT_SCANNERS; i++) {
        if (strncmp(repeat->last[i].scanner, scanner, SCAN_REPEAT_NAME_MAX) == 0)
            return i;
        if (repeat->last[place].scanner[0] &&
            (!repeat->last[i].scanner[0] || repeat->last[i].at_ms < repeat->last[place].at_ms))
            place = i;
    }
    return place;
}

bool scan_repeat_seen(struct scan_repeat *repeat, const char *scanner, struct slice data,
                      int64_t now_ms)
{
    size_t i = place_of(repeat, scanner);
    struct sha256 hash = sha256_of(data);
    bool known = strncmp(repeat->last[i].scanner, scanner, SCAN_REPEAT_NAME_MAX) == 0;
    bool seen = known && sha256_equal(&repeat->last[i].data, &hash) &&
                now_ms - repeat->last[i].at_ms < SCAN_REPEAT_MS;
    (void)snprintf(repeat->last[i].scanner, sizeof repeat->last[i].scanner, "%s", scanner);
    repeat->last[i].data = hash;
    repeat->last[i].at_ms = now_ms;
    return seen;
}
