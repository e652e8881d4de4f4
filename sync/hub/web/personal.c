#include "sync/hub/web/personal.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "sync/contract/event.h"

/* As the schemas of sync/contract call them. */
static const char *const personal[] = {"customer", "contact_sealed", "person", "owner",
                                       "by",       "note",           NULL};

void personal_write_without(struct jsonw *w, const char *key, struct slice body)
{
    const struct json_limits limits = {.bytes = EVENT_BODY_MAX, .depth = EVENT_DEPTH_MAX + 1};
    struct cJSON *json CLEANUP(json_cleanup) = NULL;
    struct buf text CLEANUP(buf_free);
    buf_init(&text, EVENT_BODY_MAX);
    if (json_parse(body, limits, &json, NULL) == ERR_OK)
        json_print_hiding(json, personal, &text);
    if (text.len && !text.failed)
        jsonw_raw(w, key, buf_slice(&text));
    else
        jsonw_null(w, key);
}
