#include "sync/hub/fleet/layer.h"
#include "hal/base/json_scan.h"
#include "sync/contract/config.h"

#include <stdio.h>
#include <string.h>

enum { PATH_TEXT_MAX = 256 };

static bool is_object(struct slice value)
{
    return value.len && value.data[0] == '{';
}

static struct slice member_of(struct slice object, struct slice key)
{
    struct json_scan scan;
    struct json_part part;
    bool found = false;
    enum err err =
        is_object(object) ? json_scan_begin(&scan, object, CONFIG_JSON, '{', NULL) : ERR_NOT_FOUND;
    while (!err && !(err = json_scan_next(&scan, &part, &found, NULL)) && found)
        if (slice_equal(part.key, key))
            return part.value;
    return (struct slice){"", 0};
}

static void begin_member(struct buf *out, struct slice key, bool *comma)
{
    if (*comma)
        buf_append_char(out, ',');
    *comma = true;
    buf_append_char(out, '"');
    buf_append(out, key.data, key.len);
    buf_append_text(out, "\":");
}

static enum err merge(struct slice base, struct slice patch, struct buf *out, struct fault *fault);

/* What the base has, as the patch leaves it. */
static enum err merge_base(struct slice base, struct slice patch, struct buf *out, bool *comma,
                           struct fault *fault)
{
    struct json_scan scan;
    struct json_part part;
    bool found;
    if (!is_object(base))
        return ERR_OK;
    enum err err = json_scan_begin(&scan, base, CONFIG_JSON, '{', fault);
    while (!err && !(err = json_scan_next(&scan, &part, &found, fault)) && found) {
        struct slice over = member_of(patch, part.key);
        if (slice_is(over, "null"))
            continue;
        begin_member(out, part.key, comma);
        if (over.len)
            err = merge(part.value, over, out, fault);
        else
            buf_append(out, part.value.data, part.value.len);
    }
    return err;
}

/* What only the patch has. */
static enum err merge_new(struct slice base, struct slice patch, struct buf *out, bool *comma,
                          struct fault *fault)
{
    struct json_scan scan;
    struct json_part part;
    bool found;
    enum err err = json_scan_begin(&scan, patch, CONFIG_JSON, '{', fault);
    while (!err && !(err = json_scan_next(&scan, &part, &found, fault)) && found) {
        if (slice_is(part.value, "null") || member_of(base, part.key).len)
            continue;
        begin_member(out, part.key, comma);
        err = merge((struct slice){"", 0}, part.value, out, fault);
    }
    return err;
}

/* Its depth is that of the JSON, which the limits bound. */
static enum err merge(struct slice base, struct slice patch, struct buf *out, struct fault *fault)
{
    bool comma = false;
    if (!is_object(patch)) {
        buf_append(out, patch.data, patch.len);
        return ERR_OK;
    }
    buf_append_char(out, '{');
    enum err err = merge_base(base, patch, out, &comma, fault);
    if (!err)
        err = merge_new(base, patch, out, &comma, fault);
    buf_append_char(out, '}');
    return err;
}

enum err layer_merge(struct slice base, struct slice patch, struct buf *out, struct fault *fault)
{
    enum err err = merge(base, patch, out, fault);
    return err ? err : buf_check(out, fault, "settings");
}

/* --- Differences ----------------------------------------------------------------------------- */

struct diff {
    layer_difference *tell;
    void *context;
    struct fault *fault;
};

static enum err diff(const struct diff *d, const char *path, struct slice before,
                     struct slice after);

static void join(char out[static PATH_TEXT_MAX], const char *path, struct slice key)
{
    (void)snprintf(out, PATH_TEXT_MAX, "%.190s%s%.*s", path, *path ? "." : "",
                   (int)(key.len < 60 ? key.len : 60), key.data);
}

/* The members of one side; of the other's only those that the first hasn't. */
static enum err diff_members(const struct diff *d, const char *path, struct slice of,
                             struct slice other, bool swapped)
{
    struct json_scan scan;
    struct json_part part;
    char inner[PATH_TEXT_MAX];
    bool found;
    enum err err = json_scan_begin(&scan, of, CONFIG_JSON, '{', d->fault);
    while (!err && !(err = json_scan_next(&scan, &part, &found, d->fault)) && found) {
        struct slice there = member_of(other, part.key);
        join(inner, path, part.key);
        if (!swapped)
            err = diff(d, inner, part.value, there);
        else if (!there.len)
            err = diff(d, inner, there, part.value);
    }
    return err;
}

static enum err diff(const struct diff *d, const char *path, struct slice before,
                     struct slice after)
{
    if (slice_equal(before, after))
        return ERR_OK;
    if (!is_object(before) || !is_object(after)) {
        d->tell(d->context, path, before, after);
        return ERR_OK;
    }
    enum err err = diff_members(d, path, before, after, false);
    return err ? err : diff_members(d, path, after, before, true);
}

enum err layer_diff(struct slice before, struct slice after, layer_difference *tell, void *context,
                    struct fault *fault)
{
    const struct diff d = {tell, context, fault};
    return diff(&d, "", before, after);
}
