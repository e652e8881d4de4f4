/*
 * Reads JSON (RFC 8259) from the outside through field tables.
 *
 * json_parse checks size, depth, syntax, UTF-8 and NUL characters (hal/base/json_scan.h), makes a
 * tree of the text, and refuses keys that occur twice. What was checked before, as the limits may
 * say, is not checked again. A field table then says what an object may hold: type, range, length,
 * whether it must be there; unknown keys are refused unless the table allows them. Every refusal
 * names the field by its path ("lines[2].quantity") and the rule. The tree's nodes are cJSON's, and
 * all of them lie in one arena; this is the only face through which our code touches them. Any
 * thread; a document belongs to one at a time.
 */
#ifndef HAL_BASE_JSON_H
#define HAL_BASE_JSON_H

#include "hal/base/arena.h"

struct cJSON;
struct json_field;

struct json_limits {
    size_t bytes;   /* of the whole text */
    unsigned depth; /* objects and arrays within each other, at most JSONW_DEPTH_MAX */
    bool checked;   /* what is nested was checked before, as an event's data is */
};

/* What requests, messages and events are held to unless said otherwise. */
#define JSON_LIMITS_DEFAULT ((struct json_limits){.bytes = 256 * 1024, .depth = 16})

/* For what was checked before: the data of an event that was read, or what we have just written. */
#define JSON_LIMITS_CHECKED ((struct json_limits){.bytes = SIZE_MAX, .depth = 1, .checked = true})

/* The parsed text, any JSON value; release with json_free. ERR_INVALID, ERR_TOO_LARGE,
 * ERR_TOO_DEEP. */
enum err json_parse(struct slice text, struct json_limits limits, struct cJSON **doc,
                    struct fault *fault) MUST_CHECK;
void json_free(struct cJSON *doc);
/* For CLEANUP(json_cleanup). */
void json_cleanup(struct cJSON **doc);

enum json_kind {
    JSON_TEXT,   /* const char *; min and max are bytes */
    JSON_INT,    /* int64_t, whole, within min..max and below 2^53 */
    JSON_FLAG,   /* bool */
    JSON_TIME,   /* int64_t milliseconds since 1970, written as RFC 3339 */
    JSON_CHOICE, /* int: index into `choices`, a NULL-terminated list of words */
    JSON_LIST,   /* array of objects: void * to `items` structs, and size_t at count_offset */
    JSON_OBJECT, /* an embedded struct, read with `items` */
    JSON_ANY,    /* const struct cJSON *: whatever it is, unread */
    JSON_TEXTS,  /* array of texts of 1 to 200 bytes: const char ** and size_t at count_offset */
};

enum json_presence {
    JSON_REQUIRED,
    JSON_OPTIONAL, /* absent or null leaves the member as it was */
};

/* A table for one kind of object. */
struct json_table {
    const struct json_field *fields;
    size_t count;
    size_t item_size;   /* sizeof the struct that it fills */
    bool allow_unknown; /* for what newer versions may extend */
};

struct json_field {
    const char *name;
    enum json_kind kind;
    enum json_presence presence;
    size_t offset;
    int64_t min;
    int64_t max; /* texts: bytes; numbers: value; lists: items. Both 0: no limit of its own */
    const char *const *choices;
    const struct json_table *items;
    size_t count_offset;   /* lists: where the count goes */
    size_t present_offset; /* a bool set to true when the field is there; 0: none */
};

/*
 * Fills `out` (a struct of table->item_size bytes, zeroed or with defaults by the caller) from
 * `object`. Texts are borrowed from the document; lists are made in the arena.
 */
enum err json_read(const struct cJSON *object, const struct json_table *table, void *out,
                   struct arena *arena, struct fault *fault) MUST_CHECK;

/* A value printed compactly, keys in their order. */
void json_print(const struct cJSON *value, struct buf *out);

/* The same of an object without that member. */
void json_print_without(const struct cJSON *object, const char *name, struct buf *out);
/* The same of any value, without members of these names at any depth; NULL ends the list. */
void json_print_hiding(const struct cJSON *value, const char *const *names, struct buf *out);

/* Single lookups for small documents; NULL or the fallback when absent or of another type. */
const struct cJSON *json_member(const struct cJSON *object, const char *name);
const char *json_member_text(const struct cJSON *object, const char *name);
int64_t json_member_int(const struct cJSON *object, const char *name, int64_t fallback);
bool json_member_bool(const struct cJSON *object, const char *name, bool fallback);
/* The items of a list in their order; NULL behind the last, and for what is no list. */
const struct cJSON *json_first(const struct cJSON *list);
const struct cJSON *json_next(const struct cJSON *item);
/* A whole number below 2^53: ERR_INVALID otherwise. */
enum err json_whole(const struct cJSON *value, int64_t *number) MUST_CHECK;

#endif
