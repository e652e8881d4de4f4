#include "agent/capture/scan_gs1.h"
#include "agent/returns/gtin.h"
#include "hal/base/cleanup.h"

#include <string.h>
#include <strings.h>

enum { GS = 0x1d, AI_MAX = 4, URI_PART_MAX = 128 };

/* What the characters of a component are, as the syntax dictionary names them. */
enum kind {
    DIGITS,   /* N */
    TEXT,     /* X: GS1 character set 82 */
    CHECKED,  /* N with a GS1 check digit at the end */
    DATE,     /* N6 yymmd0: the day may be 00 */
    ISO_4217, /* N3 */
    ZERO,     /* a filler digit 0 */
};

struct component {
    enum kind kind;
    unsigned least;
    unsigned most; /* 0: no component */
};

/* `to` covers rows such as 3100 to 3105. Predefined: ends without a GS (table 7.8.5-2). */
static const struct ai {
    const char *from;
    const char *to;
    bool predefined;
    struct component parts[3];
} ais[] = {
    {"00", "00", true, {{CHECKED, 18, 18}}},
    {"01", "02", true, {{CHECKED, 14, 14}}},
    {"10", "10", false, {{TEXT, 1, 20}}},
    {"11", "13", true, {{DATE, 6, 6}}},
    {"15", "17", true, {{DATE, 6, 6}}},
    {"20", "20", true, {{DIGITS, 2, 2}}},
    {"21", "22", false, {{TEXT, 1, 20}}},
    {"235", "235", false, {{TEXT, 1, 28}}},
    {"240", "241", false, {{TEXT, 1, 30}}},
    {"242", "242", false, {{DIGITS, 1, 6}}},
    {"243", "243", false, {{TEXT, 1, 20}}},
    {"250", "251", false, {{TEXT, 1, 30}}},
    {"253", "253", false, {{CHECKED, 13, 13}, {TEXT, 0, 17}}},
    {"254", "254", false, {{TEXT, 1, 20}}},
    {"255", "255", false, {{CHECKED, 13, 13}, {DIGITS, 0, 12}}},
    {"30", "30", false, {{DIGITS, 1, 8}}},
    {"3100", "3165", true, {{DIGITS, 6, 6}}},
    {"3200", "3375", true, {{DIGITS, 6, 6}}},
    {"3400", "3575", true, {{DIGITS, 6, 6}}},
    {"3600", "3695", true, {{DIGITS, 6, 6}}},
    {"37", "37", false, {{DIGITS, 1, 8}}},
    {"3900", "3909", false, {{DIGITS, 1, 15}}},
    {"3910", "3919", false, {{ISO_4217, 3, 3}, {DIGITS, 1, 15}}},
    {"3920", "3929", false, {{DIGITS, 1, 15}}},
    {"3930", "3939", false, {{ISO_4217, 3, 3}, {DIGITS, 1, 15}}},
    {"3940", "3943", false, {{DIGITS, 4, 4}}},
    {"3950", "3955", false, {{DIGITS, 6, 6}}},
    {"400", "401", false, {{TEXT, 1, 30}}},
    {"402", "402", false, {{CHECKED, 17, 17}}},
    {"403", "403", false, {{TEXT, 1, 30}}},
    {"410", "417", true, {{CHECKED, 13, 13}}},
    {"420", "420", false, {{TEXT, 1, 20}}},
    {"421", "421", false, {{DIGITS, 3, 3}, {TEXT, 1, 9}}},
    {"422", "422", false, {{DIGITS, 3, 3}}},
    {"8001", "8001", false, {{DIGITS, 14, 14}}},
    {"8002", "8002", false, {{TEXT, 1, 20}}},
    {"8003", "8003", false, {{ZERO, 1, 1}, {CHECKED, 13, 13}, {TEXT, 0, 16}}},
    {"8004", "8004", false, {{TEXT, 1, 30}}},
    {"8005", "8005", false, {{DIGITS, 6, 6}}},
    {"8006", "8006", false, {{CHECKED, 14, 14}, {DIGITS, 4, 4}}},
    {"8007", "8007", false, {{TEXT, 1, 34}}},
    {"8012", "8012", false, {{TEXT, 1, 20}}},
    {"8017", "8018", false, {{CHECKED, 18, 18}}},
    {"8019", "8019", false, {{DIGITS, 1, 10}}},
    {"8020", "8020", false, {{TEXT, 1, 25}}},
    {"8110", "8110", false, {{TEXT, 1, 70}}},
    {"8111", "8111", false, {{DIGITS, 4, 4}}},
    {"8200", "8200", false, {{TEXT, 1, 70}}},
    {"90", "90", false, {{TEXT, 1, 30}}},
    {"91", "99", false, {{TEXT, 1, 90}}},
};

/* The last digit of 31nd to 36nd counts decimals: the tens say what is measured. */
static bool in_row(const struct ai *ai, const char *digits)
{
    size_t len = strlen(ai->from);
    if (strncmp(digits, ai->from, len) < 0 || strncmp(digits, ai->to, len) > 0)
        return false;
    return !(ai->predefined && len == 4) || digits[3] <= '5';
}

static const struct ai *ai_find(struct slice text)
{
    char digits[AI_MAX + 1] = "";
    for (size_t i = 0; i < AI_MAX && i < text.len && text.data[i] >= '0' && text.data[i] <= '9';
         i++)
        digits[i] = text.data[i];
    for (size_t i = 0; i < sizeof ais / sizeof *ais; i++)
        if (strlen(digits) >= strlen(ais[i].from) && in_row(&ais[i], digits))
            return &ais[i];
    return NULL;
}

static bool all_digits(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return true;
}

/* GS1 General Specifications, figure 7.11-1. */
static bool in_set_82(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c <= ' ' || c > 'z' || strchr("#$@[\\]^`", c))
            return false;
    }
    return true;
}

/* General Specifications, section 7.9.1: weights 3 and 1 from the right. */
static bool checked(struct slice text)
{
    unsigned sum = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(text.data[text.len - 1 - i] - '0');
        sum += i % 2 == 1 ? 3 * digit : digit;
    }
    return sum % 10 == 0;
}

static bool is_date(struct slice text)
{
    int month = (text.data[2] - '0') * 10 + text.data[3] - '0';
    int day = (text.data[4] - '0') * 10 + text.data[5] - '0';
    return month >= 1 && month <= 12 && day <= 31;
}

static bool part_valid(enum kind kind, struct slice text)
{
    switch (kind) {
    case TEXT:
        return in_set_82(text);
    case CHECKED:
        return all_digits(text) && checked(text);
    case DATE:
        return all_digits(text) && is_date(text);
    case ZERO:
        return slice_is(text, "0");
    default:
        return all_digits(text);
    }
}

static unsigned longest(const struct ai *ai)
{
    return ai->parts[0].most + ai->parts[1].most + ai->parts[2].most;
}

/* Only the last component of an identifier has no fixed length. */
static bool value_valid(const struct ai *ai, struct slice value)
{
    for (size_t i = 0; i < 3 && ai->parts[i].most; i++) {
        const struct component *part = &ai->parts[i];
        size_t len = value.len < part->most ? value.len : part->most;
        if (len < part->least || !part_valid(part->kind, (struct slice){value.data, len}))
            return false;
        value = (struct slice){value.data + len, value.len - len};
    }
    return value.len == 0;
}

static bool add(struct scan_fields *fields, struct slice ai, struct slice value)
{
    const char *name = arena_slice_text(fields->arena, ai);
    return name && !scan_field_find(fields, name) && scan_field_add(fields, name, value);
}

bool scan_gs1_elements(struct slice text, struct scan_fields *fields)
{
    const char *at = text.data;
    const char *end = text.data + text.len;
    while (at < end && *at == GS)
        at++;
    if (at == end)
        return false;
    while (at < end) {
        const struct ai *ai = ai_find((struct slice){at, (size_t)(end - at)});
        if (!ai)
            return false;
        struct slice name = {at, strlen(ai->from)};
        at += name.len;
        const char *gs = memchr(at, GS, (size_t)(end - at));
        size_t len = (size_t)((gs ? gs : end) - at);
        if (ai->predefined && len > longest(ai))
            len = longest(ai);
        struct slice value = {at, len};
        if (!value_valid(ai, value) || !add(fields, name, value))
            return false;
        at += len;
        if (at < end && *at == GS)
            at++;
    }
    return true;
}

/* --- Digital Link ------------------------------------------------------------------------------
 */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986, section 2.1. */
static bool unescape(struct slice text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '%') {
            buf_append_char(out, text.data[i]);
            continue;
        }
        int high = i + 2 < text.len ? hex_value(text.data[i + 1]) : -1;
        int low = high < 0 ? -1 : hex_value(text.data[i + 2]);
        if (low < 0)
            return false;
        buf_append_char(out, (char)(high * 16 + low));
        i += 2;
    }
    return !out->failed;
}

/* Takes what stands before the next `stop` off `rest`, and the stop with it. */
static struct slice take_until(struct slice *rest, char stop)
{
    const char *found = rest->len ? memchr(rest->data, stop, rest->len) : NULL;
    struct slice part = {rest->data, found ? (size_t)(found - rest->data) : rest->len};
    size_t used = part.len + (found ? 1 : 0);
    *rest = (struct slice){rest->data + used, rest->len - used};
    return part;
}

/* A GTIN may be written with 8, 12 or 13 digits in a link; it is the same number. */
static bool add_linked(struct scan_fields *fields, struct slice key, struct slice escaped)
{
    struct buf value CLEANUP(buf_free);
    buf_init(&value, URI_PART_MAX);
    if (slice_is(key, "01") && escaped.len < 14)
        buf_append(&value, "00000000000000", 14 - escaped.len);
    if (!unescape(escaped, &value))
        return false;
    const struct ai *ai = ai_find(key);
    return ai && strlen(ai->from) == key.len && value_valid(ai, buf_slice(&value)) &&
           add(fields, key, buf_slice(&value));
}

/* What identifies something by itself, so that a link's path may begin with it. */
static bool is_primary(struct slice key)
{
    static const char *const keys[] = {"00",   "01",   "253",  "255",  "402",  "414",
                                       "8003", "8004", "8006", "8017", "8018", NULL};
    for (size_t i = 0; keys[i]; i++)
        if (slice_is(key, keys[i]))
            return true;
    return false;
}

static bool read_path(struct slice path, struct scan_fields *fields)
{
    bool begun = false;
    while (path.len) {
        struct slice key = take_until(&path, '/');
        if (!begun && !is_primary(key))
            continue; /* the resolver's own folders */
        begun = true;
        if (!path.len || !add_linked(fields, key, take_until(&path, '/')))
            return false;
    }
    return begun;
}

static bool read_query(struct slice query, struct scan_fields *fields)
{
    while (query.len) {
        struct slice pair = take_until(&query, '&');
        struct slice key = take_until(&pair, '=');
        bool named = key.len >= 2 && key.len <= AI_MAX && all_digits(key);
        if (named && !add_linked(fields, key, pair))
            return false;
    }
    return true;
}

bool scan_gs1_link(struct slice text, struct scan_fields *fields)
{
    size_t scheme = text.len > 8 && strncasecmp(text.data, "https://", 8) == 0  ? 8
                    : text.len > 7 && strncasecmp(text.data, "http://", 7) == 0 ? 7
                                                                                : 0;
    if (!scheme)
        return false;
    struct slice rest = {text.data + scheme, text.len - scheme};
    rest = take_until(&rest, '#');
    struct slice path = take_until(&rest, '?');
    (void)take_until(&path, '/'); /* the host */
    return read_path(path, fields) && read_query(rest, fields);
}
