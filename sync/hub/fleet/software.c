#include "sync/hub/fleet/software.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"
#include "sync/contract/link_state.h"

#include <stdio.h>
#include <string.h>

#define LIMITS ((struct json_limits){.bytes = LINK_STATE_BYTES_MAX, .depth = 8})

static void take(const struct cJSON *object, const char *name, char *out, size_t size)
{
    const char *text = json_member_text(object, name);
    (void)snprintf(out, size, "%s", text ? text : "");
}

#define TAKE(object, name, member) take(object, name, software->member, sizeof software->member)

void software_read(struct slice state, struct software *software)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    *software = (struct software){.version = ""};
    if (!state.len || json_parse(state, LIMITS, &doc, NULL) != ERR_OK)
        return;
    const struct cJSON *object = json_member(doc, "software");
    const struct cJSON *last = json_member(object, "last");
    const struct cJSON *update = json_member(object, "update");
    TAKE(object, "version", version);
    TAKE(object, "slot", slot);
    TAKE(last, "version", last_version);
    TAKE(last, "result", last_result);
    TAKE(last, "reason", last_reason);
    TAKE(last, "last_words", last_words);
    TAKE(update, "version", update_version);
    TAKE(update, "state", update_state);
    TAKE(update, "reason", update_reason);
}

struct slice software_of(struct slice state)
{
    struct slice found = {"", 0};
    if (!state.len || json_scan_member(state, LIMITS, "software", &found, NULL) != ERR_OK)
        return (struct slice){"", 0};
    return found;
}

enum software_fate software_fate_of(const struct software *software, const char *release)
{
    static const char *const failures[] = {"refused", "failed", "rolled_back"};
    bool asked = strcmp(software->update_version, release) == 0;
    if (strcmp(software->version, release) == 0) /* it may be on trial still */
        return asked && strcmp(software->update_state, "installing") == 0 ? SOFTWARE_PENDING
                                                                          : SOFTWARE_RUNS;
    for (size_t i = 0; asked && i < sizeof failures / sizeof *failures; i++)
        if (strcmp(software->update_state, failures[i]) == 0)
            return SOFTWARE_FAILED;
    return SOFTWARE_PENDING;
}
