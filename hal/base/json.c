#include "hal/base/json.h"
#include "hal/base/json_scan.h"
#include "hal/base/jsonw.h"
#include "hal/base/rfc3339.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2^53 - 1: above it, several numbers read as the same double. */
static const int64_t exact_max = INT64_C(9007199254740991);

/* --- The tree ----------------------------------------------------------------------------------
 *
 * cJSON's nodes, but in an arena: a piece of memory for each name, text and value would cost more
 * than all else that a document is read for.
 */

struct document {
    cJSON root;
    struct arena arena; /* holds this struct, too */
};

struct build {
    const char *at; /* in a text that json_scan_check has passed */
    const char *end;
    struct arena *arena;
    char *texts; /* room for all that are left: none is longer than it is written */
};

static void skip_space(struct build *b)
{
    while (b->at < b->end && (*b->at == ' ' || *b->at == '\t' || *b->at == '\n' || *b->at == '\r'))
        b->at++;
}

static enum err build_text(struct build *b, char **text)
{
    const char *from = b->at++;
    for (;;) {
        b->at += json_scan_plain((struct slice){b->at, (size_t)(b->end - b->at)});
        if (*b->at == '"')
            break;
        b->at += *b->at == '\\' ? 2 : 1;
    }
    b->at++;
    struct slice meant;
    enum err err = json_scan_text((struct slice){from, (size_t)(b->at - from)}, b->arena, &meant);
    if (err)
        return err;
    *text = b->texts;
    slice_copy(meant, b->texts, meant.len + 1);
    b->texts += meant.len + 1;
    return ERR_OK;
}

/* Whole numbers of so few digits are read as they are; the rest is left to the C library. */
enum { FEW_DIGITS = 15, NUMBER_TEXT_MAX = 63 };

static enum err build_number(struct build *b, cJSON *into, struct fault *fault)
{
    char text[NUMBER_TEXT_MAX + 1];
    const char *from = b->at;
    while (b->at < b->end && strchr("+-.eE0123456789", *b->at))
        b->at++;
    struct slice written = {from, (size_t)(b->at - from)};
    int64_t whole;
    into->type = cJSON_Number;
    if (written.len <= FEW_DIGITS && written.data[0] != '-' &&
        json_scan_int(written, &whole) == ERR_OK) {
        into->valuedouble = (double)whole;
        return ERR_OK;
    }
    slice_copy(written, text, sizeof text);
    into->valuedouble = strtod(text, NULL);
    return isfinite(into->valuedouble)
               ? ERR_OK
               : fault_set(fault, ERR_INVALID, "", "a number that is too large");
}

static enum err build_value(struct build *b, cJSON *into, struct fault *fault);

static enum err build_member(struct build *b, cJSON *into, bool named, struct fault *fault)
{
    enum err err = named ? build_text(b, &into->string) : ERR_OK;
    if (err)
        return fault_set(fault, err, "", "out of memory");
    if (named) {
        skip_space(b);
        b->at++; /* the colon */
    }
    return build_value(b, into, fault);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum { FEW_KEYS = 24 };

/* NULL if all of them differ. */
static const char *twice_of_few(const cJSON *object)
{
    for (const cJSON *a = object->child; a; a = a->next)
        for (const cJSON *b = a->next; b; b = b->next)
            if (a->string[0] == b->string[0] && strcmp(a->string, b->string) == 0)
                return a->string;
    return NULL;
}

static enum err check_many(struct build *b, const cJSON *object, size_t count, const char **twice)
{
    const char **keys = arena_alloc(b->arena, count, sizeof *keys);
    if (!keys)
        return ERR_NO_MEMORY;
    size_t n = 0;
    for (const cJSON *child = object->child; child; child = child->next)
        keys[n++] = child->string;
    qsort(keys, n, sizeof *keys, compare_keys);
    for (size_t i = 1; i < n; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            *twice = keys[i];
    return ERR_OK;
}

static enum err check_keys(struct build *b, const cJSON *object, size_t count, struct fault *fault)
{
    const char *twice = NULL;
    enum err err = ERR_OK;
    if (count <= FEW_KEYS)
        twice = twice_of_few(object);
    else
        err = check_many(b, object, count, &twice);
    if (err)
        return fault_set(fault, err, "", "out of memory");
    return twice ? fault_set(fault, ERR_INVALID, twice, "the key occurs twice") : ERR_OK;
}

/* The depth is limited, so this may recurse. */
static enum err build_nested(struct build *b, cJSON *into, bool object, struct fault *fault)
{
    size_t count = 0;
    cJSON *last = NULL;
    into->type = object ? cJSON_Object : cJSON_Array;
    b->at++;
    skip_space(b);
    while (*b->at != '}' && *b->at != ']') {
        if (*b->at == ',') {
            b->at++;
            skip_space(b);
        }
        cJSON *child = arena_alloc(b->arena, 1, sizeof *child);
        if (!child)
            return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
        enum err err = build_member(b, child, object, fault);
        if (err)
            return err;
        *(last ? &last->next : &into->child) = child;
        child->prev = last;
        last = child;
        count++;
        skip_space(b);
    }
    b->at++;
    return object ? check_keys(b, into, count, fault) : ERR_OK;
}

static enum err build_value(struct build *b, cJSON *into, struct fault *fault)
{
    skip_space(b);
    switch (*b->at) {
    case '{':
    case '[':
        return build_nested(b, into, *b->at == '{', fault);
    case '"':
        into->type = cJSON_String;
        if (build_text(b, &into->valuestring) != ERR_OK)
            return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
        return ERR_OK;
    case 't':
    case 'n':
        into->type = *b->at == 't' ? cJSON_True : cJSON_NULL;
        b->at += 4;
        return ERR_OK;
    case 'f':
        into->type = cJSON_False;
        b->at += 5;
        return ERR_OK;
    default:
        return build_number(b, into, fault);
    }
}

static enum err build(struct slice text, struct arena *arena, struct document **out,
                      struct fault *fault)
{
    struct document *document = arena_alloc(arena, 1, sizeof *document);
    struct build b = {
        .at = text.data,
        .end = text.data + text.len,
        .arena = arena,
        .texts = document ? arena_alloc(arena, text.len, 1) : NULL,
    };
    if (!b.texts)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    *out = document;
    return build_value(&b, &document->root, fault);
}

enum err json_parse(struct slice text, struct json_limits limits, struct cJSON **doc,
                    struct fault *fault)
{
    assert(limits.depth <= JSONW_DEPTH_MAX && !limits.checked);
    enum err err = json_scan_check(text, limits, fault);
    if (err)
        return err;
    struct arena arena;
    struct document *document = NULL;
    arena_init(&arena, SIZE_MAX); /* the text's own limit is one for the tree */
    err = build(text, &arena, &document, fault);
    if (err) {
        arena_free(&arena);
        return err;
    }
    document->arena = arena;
    *doc = &document->root;
    return ERR_OK;
}

void json_free(struct cJSON *doc)
{
    if (!doc)
        return;
    struct document *document = (struct document *)(void *)doc; /* the root is its first member */
    struct arena arena = document->arena;
    arena_free(&arena);
}

void json_cleanup(struct cJSON **doc)
{
    json_free(*doc);
}

/* --- Reading by tables --------------------------------------------------------------------------
 */

static enum err read_text(const cJSON *value, const struct json_field *field, const char **out,
                          struct fault *fault)
{
    if (!cJSON_IsString(value))
        return fault_set(fault, ERR_INVALID, "", "must be a text");
    size_t len = strlen(value->valuestring);
    if (len < (size_t)field->min)
        return fault_set(fault, ERR_INVALID, "", "must have at least %lld characters",
                         (long long)field->min);
    if (field->max && len > (size_t)field->max)
        return fault_set(fault, ERR_INVALID, "", "must have at most %lld characters",
                         (long long)field->max);
    *out = value->valuestring;
    return ERR_OK;
}

static enum err read_int(const cJSON *value, const struct json_field *field, int64_t *out,
                         struct fault *fault)
{
    bool ranged = field->min || field->max;
    int64_t min = ranged && field->min > -exact_max ? field->min : -exact_max;
    int64_t max = ranged && field->max < exact_max ? field->max : exact_max;
    if (!cJSON_IsNumber(value) || value->valuedouble != floor(value->valuedouble) ||
        value->valuedouble < (double)min || value->valuedouble > (double)max)
        return fault_set(fault, ERR_INVALID, "", "must be a whole number from %lld to %lld",
                         (long long)min, (long long)max);
    *out = (int64_t)value->valuedouble;
    return ERR_OK;
}

static enum err read_time(const cJSON *value, int64_t *out, struct fault *fault)
{
    if (!cJSON_IsString(value) || rfc3339_parse(slice_of(value->valuestring), out) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "",
                         "must be a time like 2026-11-22T10:11:12+01:00 (RFC 3339)");
    return ERR_OK;
}

static enum err read_choice(const cJSON *value, const struct json_field *field, int *out,
                            struct fault *fault)
{
    struct buf words;
    buf_init(&words, FAULT_TEXT_MAX);
    for (int i = 0; field->choices[i]; i++) {
        if (cJSON_IsString(value) && strcmp(value->valuestring, field->choices[i]) == 0) {
            buf_free(&words);
            *out = i;
            return ERR_OK;
        }
        buf_append_text(&words, i ? ", " : "");
        buf_append_text(&words, field->choices[i]);
    }
    enum err err =
        fault_set(fault, ERR_INVALID, "", "must be one of: %s", words.data ? words.data : "");
    buf_free(&words);
    return err;
}

static enum err check_list(const cJSON *value, const struct json_field *field, struct fault *fault)
{
    if (!cJSON_IsArray(value))
        return fault_set(fault, ERR_INVALID, "", "must be a list");
    int count = cJSON_GetArraySize(value);
    if (count < field->min || (field->max && count > field->max))
        return fault_set(fault, ERR_INVALID, "", "must have from %lld to %lld items",
                         (long long)field->min, (long long)field->max);
    return ERR_OK;
}

static void within_item(struct fault *fault, const struct json_field *field, size_t index)
{
    char head[FAULT_WHERE_MAX];
    struct buf path;
    buf_init(&path, sizeof head - 1);
    buf_printf(&path, "%s[%zu]", field->name, index);
    fault_within(fault, path.data ? path.data : field->name);
    buf_free(&path);
}

static enum err read_list(const cJSON *value, const struct json_field *field, char *out,
                          struct arena *arena, struct fault *fault)
{
    enum err err = check_list(value, field, fault);
    if (err) {
        fault_within(fault, field->name);
        return err;
    }
    size_t size = field->kind == JSON_TEXTS ? sizeof(const char *) : field->items->item_size;
    size_t count = (size_t)cJSON_GetArraySize(value);
    char *items = arena_alloc(arena, count ? count : 1, size);
    if (!items)
        return fault_set(fault, ERR_TOO_LARGE, field->name, "too many items");
    size_t i = 0;
    const cJSON *child;
    cJSON_ArrayForEach(child, value)
    {
        char *item = items + i * size;
        if (field->kind == JSON_TEXTS)
            err = read_text(child, &(struct json_field){.min = 1, .max = 200},
                            (const char **)(void *)item, fault);
        else
            err = json_read(child, field->items, item, arena, fault);
        if (err) {
            within_item(fault, field, i);
            return err;
        }
        i++;
    }
    memcpy(out + field->offset, &items, sizeof items);
    memcpy(out + field->count_offset, &count, sizeof count);
    return ERR_OK;
}

static enum err read_scalar(const cJSON *value, const struct json_field *field, void *to,
                            struct fault *fault)
{
    switch (field->kind) {
    case JSON_TEXT:
        return read_text(value, field, to, fault);
    case JSON_INT:
        return read_int(value, field, to, fault);
    case JSON_TIME:
        return read_time(value, to, fault);
    case JSON_CHOICE:
        return read_choice(value, field, to, fault);
    case JSON_ANY:
        *(const cJSON **)to = value;
        return ERR_OK;
    case JSON_FLAG:
        if (!cJSON_IsBool(value))
            return fault_set(fault, ERR_INVALID, "", "must be true or false");
        *(bool *)to = cJSON_IsTrue(value);
        return ERR_OK;
    case JSON_LIST:
    case JSON_TEXTS:
    case JSON_OBJECT:
        break;
    }
    assert(false);
    return ERR_UNSUPPORTED;
}

static enum err read_field(const cJSON *value, const struct json_field *field, char *out,
                           struct arena *arena, struct fault *fault)
{
    if (field->kind == JSON_LIST || field->kind == JSON_TEXTS)
        return read_list(value, field, out, arena, fault);
    enum err err = field->kind == JSON_OBJECT
                       ? json_read(value, field->items, out + field->offset, arena, fault)
                       : read_scalar(value, field, out + field->offset, fault);
    if (err)
        fault_within(fault, field->name);
    return err;
}

static bool table_has(const struct json_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->fields[i].name, name) == 0)
            return true;
    return false;
}

static enum err check_unknown(const cJSON *object, const struct json_table *table,
                              struct fault *fault)
{
    const cJSON *child;
    cJSON_ArrayForEach(child, object) if (!table_has(table, child->string)) return fault_set(
        fault, ERR_INVALID, child->string, "is not a field of this object");
    return ERR_OK;
}

enum err json_read(const struct cJSON *object, const struct json_table *table, void *out,
                   struct arena *arena, struct fault *fault)
{
    if (!cJSON_IsObject(object))
        return fault_set(fault, ERR_INVALID, "", "must be an object");
    for (size_t i = 0; i < table->count; i++) {
        const struct json_field *field = &table->fields[i];
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, field->name);
        if (!value || cJSON_IsNull(value)) {
            if (field->presence == JSON_REQUIRED)
                return fault_set(fault, ERR_INVALID, field->name, "is missing");
            continue;
        }
        enum err err = read_field(value, field, out, arena, fault);
        if (err)
            return err;
        if (field->present_offset)
            *((bool *)((char *)out + field->present_offset)) = true;
    }
    return table->allow_unknown ? ERR_OK : check_unknown(object, table, fault);
}

static void print_number(struct jsonw *w, const char *key, double number)
{
    if (number == floor(number) && fabs(number) <= (double)exact_max) {
        jsonw_int(w, key, (int64_t)number);
        return;
    }
    char text[32];
    int len = snprintf(text, sizeof text, "%.15g", number);
    if (strtod(text, NULL) != number)
        len = snprintf(text, sizeof text, "%.17g", number);
    jsonw_raw(w, key, (struct slice){text, (size_t)len});
}

static bool is_among(const char *name, const char *const *names)
{
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

/*
 * cJSON's own printer rounds whole numbers above 10^15. Depth is bounded by json_parse. `hidden`
 * are names of members that are left out.
 */
static void print_value(struct jsonw *w, const char *key, const cJSON *value,
                        const char *const *hidden)
{
    if (cJSON_IsObject(value) || cJSON_IsArray(value)) {
        bool object = cJSON_IsObject(value);
        (object ? jsonw_object : jsonw_array)(w, key);
        const cJSON *child;
        for (child = value->child; child; child = child->next)
            if (!object || !is_among(child->string, hidden))
                print_value(w, object ? child->string : NULL, child, hidden);
        jsonw_end(w);
    } else if (cJSON_IsString(value)) {
        jsonw_text(w, key, value->valuestring);
    } else if (cJSON_IsNumber(value)) {
        print_number(w, key, value->valuedouble);
    } else if (cJSON_IsBool(value)) {
        jsonw_bool(w, key, cJSON_IsTrue(value));
    } else {
        jsonw_null(w, key);
    }
}

static const char *const none[] = {NULL};

void json_print(const struct cJSON *value, struct buf *out)
{
    json_print_hiding(value, none, out);
}

void json_print_hiding(const struct cJSON *value, const char *const *names, struct buf *out)
{
    struct jsonw w = jsonw_to(out);
    print_value(&w, NULL, value, names);
}

void json_print_without(const struct cJSON *object, const char *name, struct buf *out)
{
    assert(cJSON_IsObject(object));
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    for (const cJSON *child = object->child; child; child = child->next)
        if (strcmp(child->string, name) != 0)
            print_value(&w, child->string, child, none);
    jsonw_end(&w);
}

const struct cJSON *json_member(const struct cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *json_member_text(const struct cJSON *object, const char *name)
{
    const cJSON *value = json_member(object, name);
    return cJSON_IsString(value) ? value->valuestring : NULL;
}

int64_t json_member_int(const struct cJSON *object, const char *name, int64_t fallback)
{
    const cJSON *value = json_member(object, name);
    int64_t result = fallback;
    if (value && read_int(value, &(struct json_field){0}, &result, NULL) != ERR_OK)
        return fallback;
    return result;
}

const struct cJSON *json_first(const struct cJSON *list)
{
    return cJSON_IsArray(list) ? list->child : NULL;
}

const struct cJSON *json_next(const struct cJSON *item)
{
    return item->next;
}

enum err json_whole(const struct cJSON *value, int64_t *number)
{
    return read_int(value, &(struct json_field){0}, number, NULL);
}
