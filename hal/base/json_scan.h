/*
 * Walks JSON text (RFC 8259) in place, without building a tree: finds the exact bytes of each
 * member or item of the outermost object or array. For what must be hashed, stored or passed on
 * byte for byte. Strict: UTF-8, no NUL, no lone surrogates, depth and size limited; everything it
 * walks past is checked, unless the limits say that it was before: then only texts and brackets are
 * looked at inside a value. It doesn't look for keys that occur twice. Pure; any thread.
 *
 *     struct json_scan scan;
 *     struct json_part part;
 *     bool found;
 *     enum err err = json_scan_begin(&scan, text, limits, '{', fault);
 *     while (!err && !(err = json_scan_next(&scan, &part, &found, fault)) && found)
 *         ...
 */
#ifndef HAL_BASE_JSON_SCAN_H
#define HAL_BASE_JSON_SCAN_H

#include "hal/base/json.h"

struct json_scan {
    const char *start;
    const char *at;
    const char *end;
    unsigned depth; /* levels that a value may still have */
    bool checked;   /* as of json_limits */
    char closer;
    bool first;
    enum err err; /* why it ended early */
};

struct json_part {
    struct slice key;   /* an object's: between its quotes, escapes as written; else empty */
    struct slice value; /* from its first byte to its last */
};

/* The text must be one object ('{') or array ('['); it is borrowed while the scan lasts. */
enum err json_scan_begin(struct json_scan *scan, struct slice text, struct json_limits limits,
                         char opener, struct fault *fault) MUST_CHECK;
/*
 * The next member or item. `found` is false at the end, when all of the text has been checked.
 * ERR_INVALID, ERR_TOO_DEEP.
 */
enum err json_scan_next(struct json_scan *scan, struct json_part *part, bool *found,
                        struct fault *fault) MUST_CHECK;

/* Checks that the text is one JSON value of any kind. ERR_INVALID, ERR_TOO_LARGE, ERR_TOO_DEEP. */
enum err json_scan_check(struct slice text, struct json_limits limits,
                         struct fault *fault) MUST_CHECK;

/* The exact bytes of one member of an object, all of which is checked; ERR_NOT_FOUND. */
enum err json_scan_member(struct slice text, struct json_limits limits, const char *key,
                          struct slice *value, struct fault *fault) MUST_CHECK;

/*
 * Several members in one walk: values[i] is that of names[i], without data where there is none.
 * ERR_INVALID when one of them occurs twice.
 */
enum err json_scan_members(struct slice text, struct json_limits limits, const char *const *names,
                           size_t count, struct slice *values, struct fault *fault) MUST_CHECK;

/* How many bytes at the start stand for themselves in a text: ASCII that needs no escape. */
size_t json_scan_plain(struct slice text);

/*
 * What a value found by a scan says. A text without escapes is borrowed from the value, else made
 * in the arena (ERR_NO_MEMORY). ERR_INVALID when the value is of another kind; whole numbers are
 * taken within +-2^53 and without point or exponent.
 */
enum err json_scan_text(struct slice value, struct arena *arena, struct slice *text) MUST_CHECK;
enum err json_scan_int(struct slice value, int64_t *number) MUST_CHECK;
enum err json_scan_flag(struct slice value, bool *flag) MUST_CHECK;

#endif
