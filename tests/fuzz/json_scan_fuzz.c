/*
 * The scanner is the stricter reader: whatever it takes, json_parse takes too, unless a key occurs
 * twice or a number is beyond a double; and what it says of a text value is what json_parse says.
 */
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct json_limits limits = {.bytes = 64 * 1024, .depth = 8};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void compare_text(const struct cJSON *doc, const struct json_part *part, struct arena *arena)
{
    char key[64];
    struct slice text;
    if (part->key.len >= sizeof key || memchr(part->key.data, '\\', part->key.len) ||
        json_scan_text(part->value, arena, &text) != ERR_OK)
        return;
    memcpy(key, part->key.data, part->key.len);
    key[part->key.len] = '\0';
    const char *parsed = json_member_text(doc, key);
    require(parsed && slice_is(text, parsed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    struct json_scan scan;
    struct json_part part;
    struct fault fault;
    bool found = true;
    enum err err = json_scan_begin(&scan, text, limits, '{', &fault);
    while (!err && found)
        err = json_scan_next(&scan, &part, &found, &fault);
    if (err)
        return 0;
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    err = json_parse(text, limits, &doc, &fault);
    require(!err || strstr(fault.text, "twice") || strstr(fault.text, "number that is too large"));
    if (err)
        return 0;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, 1024 * 1024);
    found = true;
    require(json_scan_begin(&scan, text, limits, '{', &fault) == ERR_OK);
    while (json_scan_next(&scan, &part, &found, &fault) == ERR_OK && found)
        compare_text(doc, &part, &arena);
    return 0;
}
