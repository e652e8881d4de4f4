#include "sync/contract/told_time.h"
#include "hal/base/json_scan.h"
#include "hal/base/jsonw.h"
#include "hal/base/rfc3339.h"

enum { BYTES_MAX = 1024, DEPTH_MAX = 4 };

void told_time_ask(struct buf *out)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_end(&w);
}

void told_time_write(struct buf *out, int64_t wall_ms)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_time(&w, "time", wall_ms);
    jsonw_end(&w);
}

enum err told_time_read(struct slice text, int64_t *wall_ms, struct fault *fault)
{
    const struct json_limits limits = {.bytes = BYTES_MAX, .depth = DEPTH_MAX};
    struct slice value;
    int64_t read;
    enum err err = json_scan_member(text, limits, "time", &value, fault);
    if (err)
        return err == ERR_NOT_FOUND ? ERR_INVALID : err;
    bool quoted = value.len > 2 && value.data[0] == '"' && value.data[value.len - 1] == '"';
    if (!quoted || rfc3339_parse((struct slice){value.data + 1, value.len - 2}, &read) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "time", "must be a time as RFC 3339 writes it");
    *wall_ms = read;
    return ERR_OK;
}
