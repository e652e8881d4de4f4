#include "hal/base/json.h"
#include "hal/base/json_scan.h"
#include "hal/base/jsonw.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * cJSON's nodes, but in an arena: a piece of memory for each name, text and value would cost more
 * than all else that a document is read for.
 */

struct document {
    cJSON root;
    struct arena arena; /* holds this struct, too */
};

struct build {
    const char *start;
    const char *at; /* in a text that json_scan_check has passed */
    const char *end;
    struct arena *arena;
    char *texts; /* room for all that are left: none is longer than it is written */
};

static void skip_space(struct build *b)
{
    while (b->at < b->end && (unsigned char)*b->at <= ' ')
        b->at++; /* other control characters stand in no such text */
}

/* With escapes. */
static enum err build_escaped(struct build *b, char **text)
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

static enum err build_text(struct build *b, char **text)
{
    const char *from = b->at + 1;
    size_t len = json_scan_plain((struct slice){from, (size_t)(b->end - from)});
    if (from[len] != '"')
        return build_escaped(b, text);
    *text = b->texts;
    memcpy(b->texts, from, len);
    b->texts[len] = '\0';
    b->texts += len + 1;
    b->at = from + len + 1;
    return ERR_OK;
}

/* Whole numbers of so few digits are read as they are; the rest is left to the C library. */
enum { FEW_DIGITS = 15, NUMBER_TEXT_MAX = 63 };

static bool is_of_number(char c)
{
    return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
}

static enum err build_number(struct build *b, cJSON *into, struct fault *fault)
{
    char text[NUMBER_TEXT_MAX + 1];
    const char *from = b->at;
    while (b->at < b->end && is_of_number(*b->at))
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
               : fault_set(fault, ERR_INVALID, "", "a number that is too large at offset %zu",
                           (size_t)(from - b->start));
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
    return twice ? fault_set(fault, ERR_INVALID, twice,
                             "the key occurs twice in the object that ends at offset %zu",
                             (size_t)(b->at - b->start))
                 : ERR_OK;
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
        .start = text.data,
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
    assert(limits.depth <= JSONW_DEPTH_MAX);
    enum err err = limits.checked ? ERR_OK : json_scan_check(text, limits, fault);
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
