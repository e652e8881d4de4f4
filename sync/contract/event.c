#include "sync/contract/event.h"
#include "hal/base/json_scan.h"
#include "hal/base/jsonw.h"
#include "hal/base/rfc3339.h"
#include "hal/base/utf8.h"

#include <assert.h>

/* CloudEvents integers have 32 bits, and the sequence extension is a text that sorts. */
enum { SEQUENCE_DIGITS = 10 };

static void write_id(struct jsonw *w, const char *key, const struct id *id)
{
    char text[ID_TEXT + 1];
    id_format(id, text);
    jsonw_slice(w, key, (struct slice){text, ID_TEXT});
}

static void write_optional(struct jsonw *w, const char *key, struct slice text)
{
    if (text.len)
        jsonw_slice(w, key, text);
}

void event_write(struct buf *out, const struct event *event)
{
    assert(event->data.len && event->source.len);
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_slice(&w, "specversion", SLICE_LITERAL("1.0"));
    write_id(&w, "id", &event->id);
    jsonw_slice(&w, "source", event->source);
    jsonw_text(&w, "type", event_type_name(event->type));
    write_optional(&w, "subject", event->subject);
    jsonw_time(&w, "time", event->time_ms);
    jsonw_slice(&w, "datacontenttype", SLICE_LITERAL("application/json"));
    write_id(&w, "correlationid", &event->correlation);
    if (event->has_causation)
        write_id(&w, "causationid", &event->causation);
    if (event->has_replaces)
        write_id(&w, "replaces", &event->replaces);
    if (event->sequence)
        jsonw_digits(&w, "sequence", event->sequence, SEQUENCE_DIGITS);
    write_optional(&w, "traceparent", event->traceparent);
    write_optional(&w, "bootid", event->boot_id);
    jsonw_digits(&w, "monotonicms", event->monotonic_ms, 1);
    jsonw_bool(&w, "timetrusted", event->time_trusted);
    write_optional(&w, "idempotencykey", event->idempotency_key);
    write_optional(&w, "requesthash", event->request_hash);
    jsonw_raw(&w, "data", event->data);
    jsonw_end(&w);
}

/* --- Attributes ------------------------------------------------------------------------------ */

enum attribute_kind {
    ATTRIBUTE_VERSION,
    ATTRIBUTE_CONTENT_TYPE,
    ATTRIBUTE_TYPE,
    ATTRIBUTE_ID,     /* struct id */
    ATTRIBUTE_TEXT,   /* struct slice of `min` to `max` bytes, no control characters */
    ATTRIBUTE_TIME,   /* int64_t */
    ATTRIBUTE_DIGITS, /* int64_t from `min`, written as a text */
    ATTRIBUTE_FLAG,   /* bool */
    ATTRIBUTE_OBJECT, /* struct slice */
};

struct attribute {
    struct slice name;
    enum attribute_kind kind;
    bool required;
    size_t offset;
    size_t min;
    size_t max;
};

static const int64_t DIGITS_LARGEST = INT64_C(9999999999999999);

#define NAME(text)                                                                                 \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }
#define AT(member) offsetof(struct event, member)

enum {
    SOURCE_MAX = 200,
    SUBJECT_MAX = 200,
    BOOT_ID_MAX = 64,
    DIGITS_MAX = 16,
};

enum {
    CAUSATION = 8,
    REPLACES = 9,
    IDEMPOTENCY_KEY = 15,
    REQUEST_HASH = 16,
    DATA = 17,
    ATTRIBUTE_COUNT = 18
};

static const struct attribute attributes[ATTRIBUTE_COUNT] = {
    {NAME("specversion"), ATTRIBUTE_VERSION, true, 0, 0, 0},
    {NAME("id"), ATTRIBUTE_ID, true, AT(id), 0, 0},
    {NAME("source"), ATTRIBUTE_TEXT, true, AT(source), 1, SOURCE_MAX},
    {NAME("type"), ATTRIBUTE_TYPE, true, AT(type), 0, 0},
    {NAME("subject"), ATTRIBUTE_TEXT, false, AT(subject), 1, SUBJECT_MAX},
    {NAME("time"), ATTRIBUTE_TIME, true, AT(time_ms), 0, 0},
    {NAME("datacontenttype"), ATTRIBUTE_CONTENT_TYPE, true, 0, 0, 0},
    {NAME("correlationid"), ATTRIBUTE_ID, true, AT(correlation), 0, 0},
    [CAUSATION] = {NAME("causationid"), ATTRIBUTE_ID, false, AT(causation), 0, 0},
    [REPLACES] = {NAME("replaces"), ATTRIBUTE_ID, false, AT(replaces), 0, 0},
    {NAME("sequence"), ATTRIBUTE_DIGITS, false, AT(sequence), 1, 0},
    {NAME("traceparent"), ATTRIBUTE_TEXT, false, AT(traceparent), TRACEPARENT_TEXT,
     TRACEPARENT_TEXT},
    {NAME("bootid"), ATTRIBUTE_TEXT, false, AT(boot_id), 1, BOOT_ID_MAX},
    {NAME("monotonicms"), ATTRIBUTE_DIGITS, true, AT(monotonic_ms), 0, 0},
    {NAME("timetrusted"), ATTRIBUTE_FLAG, true, AT(time_trusted), 0, 0},
    [IDEMPOTENCY_KEY] = {NAME("idempotencykey"), ATTRIBUTE_TEXT, false, AT(idempotency_key), 1,
                         IDEMPOTENCY_KEY_MAX},
    [REQUEST_HASH] = {NAME("requesthash"), ATTRIBUTE_TEXT, false, AT(request_hash),
                      REQUEST_HASH_TEXT, REQUEST_HASH_TEXT},
    [DATA] = {NAME("data"), ATTRIBUTE_OBJECT, true, AT(data), 0, 0},
};

static enum err read_version(struct slice text, struct fault *fault)
{
    if (slice_is(text, "1.0"))
        return ERR_OK;
    return fault_set(fault, ERR_UNSUPPORTED, "", "must be \"1.0\"");
}

static enum err read_content_type(struct slice text, struct fault *fault)
{
    if (slice_is(text, "application/json"))
        return ERR_OK;
    return fault_set(fault, ERR_UNSUPPORTED, "", "must be \"application/json\"");
}

static enum err read_type(struct slice text, enum event_type *type, struct fault *fault)
{
    if (event_type_find(text, type) == ERR_OK)
        return ERR_OK;
    int shown = text.len > 80 ? 80 : (int)text.len;
    return fault_set(fault, ERR_UNSUPPORTED, "", "\"%.*s\" is not a type of this version", shown,
                     text.data);
}

static enum err read_text(struct slice text, const struct attribute *a, struct slice *to,
                          struct fault *fault)
{
    if (text.len < a->min || text.len > a->max)
        return fault_set(fault, ERR_INVALID, "", "must have from %zu to %zu bytes", a->min, a->max);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return fault_set(fault, ERR_INVALID, "", "must have no control characters");
    *to = text;
    return ERR_OK;
}

static enum err read_digits(struct slice text, const struct attribute *a, int64_t *to,
                            struct fault *fault)
{
    int64_t value;
    if (text.len > DIGITS_MAX || json_scan_int(text, &value) != ERR_OK || value < (int64_t)a->min)
        return fault_set(fault, ERR_INVALID, "", "must be the digits of a number from %zu", a->min);
    *to = value;
    return ERR_OK;
}

static enum err read_as_text(struct slice text, const struct attribute *a, void *to,
                             struct fault *fault)
{
    switch (a->kind) {
    case ATTRIBUTE_VERSION:
        return read_version(text, fault);
    case ATTRIBUTE_CONTENT_TYPE:
        return read_content_type(text, fault);
    case ATTRIBUTE_TYPE:
        return read_type(text, to, fault);
    case ATTRIBUTE_TEXT:
        return read_text(text, a, to, fault);
    case ATTRIBUTE_DIGITS:
        return read_digits(text, a, to, fault);
    case ATTRIBUTE_ID:
        if (id_parse(text, to) == ERR_OK)
            return ERR_OK;
        return fault_set(fault, ERR_INVALID, "", "must be a UUID");
    case ATTRIBUTE_TIME:
        if (rfc3339_parse(text, to) == ERR_OK)
            return ERR_OK;
        return fault_set(fault, ERR_INVALID, "", "must be a time (RFC 3339)");
    case ATTRIBUTE_FLAG:
    case ATTRIBUTE_OBJECT:
        break;
    }
    assert(false);
    return ERR_UNSUPPORTED;
}

static enum err read_attribute(struct slice value, const struct attribute *a, struct arena *arena,
                               struct event *event, struct fault *fault)
{
    void *to = (char *)event + a->offset;
    if (a->kind == ATTRIBUTE_OBJECT) {
        if (value.data[0] != '{')
            return fault_set(fault, ERR_INVALID, "", "must be an object");
        *(struct slice *)to = value;
        return ERR_OK;
    }
    if (a->kind == ATTRIBUTE_FLAG) {
        if (json_scan_flag(value, to) != ERR_OK)
            return fault_set(fault, ERR_INVALID, "", "must be true or false");
        return ERR_OK;
    }
    struct slice text;
    enum err err = json_scan_text(value, arena, &text);
    if (err)
        return fault_set(fault, err, "", "must be a text");
    return read_as_text(text, a, to, fault);
}

static enum err check_pair(bool key, bool hash, struct fault *fault)
{
    if (key == hash)
        return ERR_OK;
    return fault_set(fault, ERR_INVALID, "idempotencykey", "must come with its requesthash");
}

/* --- Before writing -------------------------------------------------------------------------- */

static enum err check_text(struct slice text, const struct attribute *a, struct fault *fault)
{
    struct slice read;
    if (text.len == 0 && !a->required)
        return ERR_OK; /* left out */
    enum err err = read_text(text, a, &read, fault);
    if (!err && json_scan_plain(text) < text.len && !utf8_valid(text))
        err = fault_set(fault, ERR_INVALID, "", "must be UTF-8");
    return err;
}

static enum err check_data(struct slice data, struct fault *fault)
{
    const struct json_limits limits = {.bytes = EVENT_BODY_MAX, .depth = EVENT_DEPTH_MAX - 1};
    if (data.len < 2 || data.data[0] != '{' || data.data[data.len - 1] != '}')
        return fault_set(fault, ERR_INVALID, "", "must be an object");
    return json_scan_check(data, limits, fault);
}

static enum err check_attribute(const struct event *event, const struct attribute *a,
                                struct fault *fault)
{
    const void *at = (const char *)event + a->offset;
    switch (a->kind) {
    case ATTRIBUTE_TEXT:
        return check_text(*(const struct slice *)at, a, fault);
    case ATTRIBUTE_OBJECT:
        return check_data(*(const struct slice *)at, fault);
    case ATTRIBUTE_DIGITS:
        if (*(const int64_t *)at >= 0 && *(const int64_t *)at <= DIGITS_LARGEST)
            return ERR_OK;
        return fault_set(fault, ERR_INVALID, "", "must be a number from 0");
    default:
        return ERR_OK; /* can't be written in another way than it is read */
    }
}

enum err event_check(const struct event *event, struct fault *fault)
{
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        enum err err = check_attribute(event, &attributes[i], fault);
        if (err) {
            fault_within(fault, attributes[i].name.data);
            return err;
        }
    }
    return check_pair(event->idempotency_key.len, event->request_hash.len, fault);
}

/* --- Reading a body -------------------------------------------------------------------------- */

/*
 * Its place in the table; ATTRIBUTE_COUNT for one that this version doesn't know. It is looked for
 * from `next` on, the one behind the last that was found: we write them in the table's order.
 */
static size_t find_attribute(struct slice name, size_t next)
{
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        size_t at = (next + i) % ATTRIBUTE_COUNT;
        if (slice_equal(name, attributes[at].name))
            return at;
    }
    return ATTRIBUTE_COUNT;
}

/* The standard's names, so that no escape can hide one from another reader. */
static enum err check_name(struct slice name, struct fault *fault)
{
    for (size_t i = 0; i < name.len; i++)
        if ((name.data[i] < 'a' || name.data[i] > 'z') &&
            (name.data[i] < '0' || name.data[i] > '9'))
            return fault_set(fault, ERR_INVALID, "",
                             "an attribute's name must be of lower-case letters and digits");
    return ERR_OK;
}

/* What was read of an event so far. */
struct reading {
    struct event event;
    uint32_t seen; /* a bit for each attribute */
    size_t next;
    struct arena *arena;
};

static enum err read_member(struct reading *r, const struct json_part *part, struct fault *fault)
{
    size_t i = find_attribute(part->key, r->next);
    if (i == ATTRIBUTE_COUNT)
        return check_name(part->key, fault);
    r->next = i + 1;
    const char *name = attributes[i].name.data;
    if (r->seen & UINT32_C(1) << i)
        return fault_set(fault, ERR_INVALID, name, "the key occurs twice");
    r->seen |= UINT32_C(1) << i;
    enum err err = read_attribute(part->value, &attributes[i], r->arena, &r->event, fault);
    if (err)
        fault_within(fault, name);
    return err;
}

static bool has(uint32_t seen, size_t attribute)
{
    return seen & UINT32_C(1) << attribute;
}

static enum err check_complete(uint32_t seen, struct fault *fault)
{
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++)
        if (attributes[i].required && !has(seen, i))
            return fault_set(fault, ERR_INVALID, attributes[i].name.data, "is missing");
    return check_pair(has(seen, IDEMPOTENCY_KEY), has(seen, REQUEST_HASH), fault);
}

static enum err read_body(struct slice body, bool checked, struct arena *arena, struct event *event,
                          struct fault *fault)
{
    const struct json_limits limits = {
        .bytes = EVENT_BODY_MAX, .depth = EVENT_DEPTH_MAX, .checked = checked};
    struct reading r = {.arena = arena};
    struct json_scan scan;
    struct json_part part;
    bool found = true;
    enum err err = json_scan_begin(&scan, body, limits, '{', fault);
    while (!err && found) {
        err = json_scan_next(&scan, &part, &found, fault);
        if (!err && found)
            err = read_member(&r, &part, fault);
    }
    if (!err)
        err = check_complete(r.seen, fault);
    if (err)
        return err;
    r.event.has_causation = has(r.seen, CAUSATION);
    r.event.has_replaces = has(r.seen, REPLACES);
    *event = r.event;
    return ERR_OK;
}

enum err event_read(struct slice body, struct arena *arena, struct event *event,
                    struct fault *fault)
{
    return read_body(body, false, arena, event, fault);
}

enum err event_read_checked(struct slice body, struct arena *arena, struct event *event,
                            struct fault *fault)
{
    return read_body(body, true, arena, event, fault);
}
