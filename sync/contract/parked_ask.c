#include "sync/contract/parked_ask.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"

enum { DEPTH_MAX = 2 };

void parked_ask_write(struct buf *out, const struct parked_ask *ask)
{
    char log[ID_TEXT + 1];
    struct jsonw w = jsonw_to(out);
    id_format(&ask->log, log);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "log_id", log);
    jsonw_int(&w, "below", ask->below);
    jsonw_end(&w);
}

enum err parked_ask_read(struct slice text, struct parked_ask *ask, struct fault *fault)
{
    const struct json_limits limits = {.bytes = PARKED_ASK_BYTES_MAX, .depth = DEPTH_MAX};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct parked_ask made;
    enum err err = json_parse(text, limits, &doc, fault);
    if (err)
        return err;
    const char *log = json_member_text(doc, "log_id");
    made.below = json_member_int(doc, "below", 0);
    if (!log || id_parse(slice_of(log), &made.log) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "log_id", "must be a UUID");
    if (made.below < 1)
        return fault_set(fault, ERR_INVALID, "below", "must be a seq");
    *ask = made;
    return ERR_OK;
}
