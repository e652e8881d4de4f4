#include "hal/base/json.h"
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

/* --- Reading by tables --------------------------------------------------------------------------
 */

static enum err read_text(const cJSON *value, const struct json_field *field, const char **out,
                          struct fault *fault)
{
    if (!cJSON_IsString(value))
        return fault_set(fault, ERR_INVALID, "", "must be a text");
    size_t len = strlen(value->valuestring);
    if (len == 0 && field->min > 0)
        return fault_set(fault, ERR_INVALID, "", "must not be empty");
    if (len < (size_t)field->min)
        return fault_set(fault, ERR_INVALID, "", "must have at least %lld bytes, in UTF-8",
                         (long long)field->min);
    if (field->max && len > (size_t)field->max)
        return fault_set(fault, ERR_INVALID, "", "must have at most %lld bytes, in UTF-8",
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

/* Names mostly differ in their first letter. */
static bool is_named(const char *a, const char *b)
{
    return *a == *b && strcmp(a, b) == 0;
}

static bool table_has(const struct json_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (is_named(table->fields[i].name, name))
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
        const cJSON *value = json_member(object, field->name);
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
    const cJSON *child = cJSON_IsObject(object) ? object->child : NULL;
    while (child && !is_named(child->string, name))
        child = child->next;
    return child;
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

bool json_member_bool(const struct cJSON *object, const char *name, bool fallback)
{
    const cJSON *value = json_member(object, name);
    return cJSON_IsBool(value) ? cJSON_IsTrue(value) : fallback;
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
