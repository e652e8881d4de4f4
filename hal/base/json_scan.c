#include "hal/base/json_scan.h"
#include "hal/base/json_escape.h"
#include "hal/base/utf8.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

enum { NUMBER_TEXT_MAX = 60 }; /* cJSON reads no more of a number */

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* The top bit of each byte that isn't plain; above the lowest of them, maybe of others too. */
static uint64_t not_plain(uint64_t bytes)
{
    uint64_t quote = bytes ^ EACH_BYTE('"');
    uint64_t backslash = bytes ^ EACH_BYTE('\\');
    uint64_t below =
        (bytes - EACH_BYTE(0x20)) | (quote - EACH_BYTE(1)) | (backslash - EACH_BYTE(1));
    return (below | bytes) & EACH_BYTE(0x80);
}

/* Whether the last four to eight bytes of a text are plain, looked at as two halves that overlap.
 */
static inline bool has_plain_end(struct slice text)
{
    uint32_t first;
    uint32_t last;
    size_t rest = text.len < 8 ? text.len : 8;
    memcpy(&first, text.data + text.len - rest, sizeof first);
    memcpy(&last, text.data + text.len - sizeof last, sizeof last);
    return not_plain((uint64_t)first << 32 | last) == 0;
}

/* Eight at a time: most of what we read and write is texts. */
static inline size_t plain(struct slice text)
{
    size_t len = 0;
    for (uint64_t bytes; text.len - len >= sizeof bytes; len += sizeof bytes) {
        memcpy(&bytes, text.data + len, sizeof bytes);
        uint64_t found = not_plain(le64toh(bytes));
        if (found)
            return len + (size_t)__builtin_ctzll(found) / 8;
    }
    if (text.len >= 4 && has_plain_end(text))
        return text.len;
    while (len < text.len && is_plain(text.data[len]))
        len++;
    return len;
}

size_t json_scan_plain(struct slice text)
{
    return plain(text);
}

/*
 * The functions below take the place to read from and return the place behind what they read,
 * instead of keeping it in the scan, so that it stays in a register. NULL means failure; the scan's
 * `err` and the fault are set then.
 */

static const char *stop(struct json_scan *s, const char *at, const char *what, struct fault *fault)
{
    s->err = fault_set(fault, ERR_INVALID, "", "%s at offset %zu", what, (size_t)(at - s->start));
    return NULL;
}

static inline const char *after_space(struct json_scan *s, const char *at)
{
    while (at < s->end && (unsigned char)*at <= ' ' &&
           (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

static inline bool is_at(struct json_scan *s, const char *at, char c)
{
    return at < s->end && *at == c;
}

/* What isn't plain and no quote. */
static const char *after_rare(struct json_scan *s, const char *at, struct fault *fault)
{
    uint32_t character;
    size_t len;
    if (at == s->end)
        return stop(s, at, "a text without an end", fault);
    if (*at == '\\')
        return json_escape_read(at + 1, s->end, &character, &len)
                   ? at + 1 + len
                   : stop(s, at, "an escape that isn't allowed", fault);
    if ((unsigned char)*at < 0x20)
        return stop(s, at, "a raw control character", fault);
    len = utf8_char_len((struct slice){at, (size_t)(s->end - at)});
    return len ? at + len : stop(s, at, "not UTF-8", fault);
}

/* From behind the opening quote to behind the closing one. */
static inline const char *after_text(struct json_scan *s, const char *at, struct fault *fault)
{
    for (;;) {
        at += plain((struct slice){at, (size_t)(s->end - at)});
        if (is_at(s, at, '"'))
            return at + 1;
        at = after_rare(s, at, fault);
        if (!at)
            return NULL;
    }
}

static const char *after_digits(struct json_scan *s, const char *at)
{
    while (at < s->end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

static const char *after_exponent(struct json_scan *s, const char *at, struct fault *fault)
{
    if (is_at(s, at, '+') || is_at(s, at, '-'))
        at++;
    const char *end = after_digits(s, at);
    return end > at ? end : stop(s, at, "a number without digits in its exponent", fault);
}

static const char *after_number(struct json_scan *s, const char *from, struct fault *fault)
{
    const char *digits = from + is_at(s, from, '-');
    const char *at = is_at(s, digits, '0') ? digits + 1 : after_digits(s, digits);
    if (at == digits)
        return stop(s, at, "not a JSON value", fault);
    if (is_at(s, at, '.')) {
        digits = at + 1;
        at = after_digits(s, digits);
        if (at == digits)
            return stop(s, at, "a number without digits behind its point", fault);
    }
    if (is_at(s, at, 'e') || is_at(s, at, 'E'))
        at = after_exponent(s, at + 1, fault);
    return at && at - from > NUMBER_TEXT_MAX ? stop(s, at, "a number that is too long", fault) : at;
}

static const char *after_word(struct json_scan *s, const char *at, struct fault *fault)
{
    static const struct slice words[] = {SLICE_LITERAL("true"), SLICE_LITERAL("false"),
                                         SLICE_LITERAL("null")};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if ((size_t)(s->end - at) >= words[i].len && memcmp(at, words[i].data, words[i].len) == 0)
            return at + words[i].len;
    return stop(s, at, "not a JSON value", fault);
}

/* A value that holds no other. */
static inline const char *after_scalar(struct json_scan *s, const char *at, struct fault *fault)
{
    if (*at == '"')
        return after_text(s, at + 1, fault);
    if (*at == '-' || (*at >= '0' && *at <= '9'))
        return after_number(s, at, fault);
    return after_word(s, at, fault);
}

/* A key, its colon and the space behind it; `out` is what stands between the quotes. */
static inline const char *after_key(struct json_scan *s, const char *at, struct slice *out,
                                    struct fault *fault)
{
    if (!is_at(s, at, '"'))
        return stop(s, at, "no key", fault);
    const char *from = at + 1;
    at = after_text(s, from, fault);
    if (!at)
        return NULL;
    *out = (struct slice){from, (size_t)(at - from) - 1};
    at = after_space(s, at);
    return is_at(s, at, ':') ? after_space(s, at + 1) : stop(s, at, "no ':' behind a key", fault);
}

/* What means something when an object or array that was checked before is passed over. */
enum mark { MARK_NONE, MARK_QUOTE, MARK_OPEN, MARK_CLOSE };

static enum mark mark_of(char c)
{
    static const uint8_t marks[256] = {['"'] = MARK_QUOTE,
                                       ['{'] = MARK_OPEN,
                                       ['['] = MARK_OPEN,
                                       ['}'] = MARK_CLOSE,
                                       [']'] = MARK_CLOSE};
    return marks[(unsigned char)c];
}

/* Where the text ends whose opening quote stands before `at`. */
static inline const char *pass_text(const char *at, const char *end)
{
    for (;;) {
        at += plain((struct slice){at, (size_t)(end - at)});
        if (at == end)
            return at;
        if (*at == '"')
            return at + 1;
        at += *at == '\\' && end - at > 1 ? 2 : 1;
    }
}

/* Where an object or array ends that was checked before. */
static const char *pass_nested(struct json_scan *s, const char *at, struct fault *fault)
{
    unsigned open = 0;
    while (at < s->end) {
        enum mark mark = mark_of(*at++);
        if (mark == MARK_NONE)
            continue;
        if (mark == MARK_QUOTE)
            at = pass_text(at, s->end);
        else if (mark == MARK_OPEN)
            open++;
        else if (--open == 0)
            return at;
    }
    return stop(s, at, "the text ends too early", fault);
}

static const char *too_deep(struct json_scan *s, const char *at, struct fault *fault)
{
    s->err = fault_set(fault, ERR_TOO_DEEP, "", "nested too deep at offset %zu",
                       (size_t)(at - s->start));
    return NULL;
}

/* The objects and arrays that are open, the innermost lowest: 1 is an object. */
struct levels {
    uint64_t objects;
    unsigned open;
};

enum { LEVELS_MAX = 64 };

static inline char closer_of(const struct levels *levels)
{
    return levels->objects & 1 ? '}' : ']';
}

/* From a comma or an opening bracket to the value that follows. */
static inline const char *next_value(struct json_scan *s, const char *at,
                                     const struct levels *levels, struct fault *fault)
{
    struct slice unused;
    at = after_space(s, at);
    return levels->objects & 1 ? after_key(s, at, &unused, fault) : at;
}

/* Passes the closing brackets over that stand here. */
static inline const char *leave(struct json_scan *s, const char *at, struct levels *levels)
{
    while (levels->open) {
        const char *next = after_space(s, at);
        if (!is_at(s, next, closer_of(levels)))
            return next;
        at = next + 1;
        levels->objects >>= 1;
        levels->open--;
    }
    return at;
}

static const char *after_nested(struct json_scan *s, const char *at, unsigned depth,
                                struct fault *fault)
{
    struct levels levels = {0, 0};
    do {
        if (at == s->end)
            return stop(s, at, "the text ends too early", fault);
        bool opens = *at == '{' || *at == '[';
        bool empty = false;
        if (opens) {
            if (levels.open == depth)
                return too_deep(s, at, fault);
            levels.objects = levels.objects << 1 | (*at == '{');
            levels.open++;
            at++;
            empty = is_at(s, after_space(s, at), closer_of(&levels));
        } else {
            at = after_scalar(s, at, fault);
            if (!at)
                return NULL;
        }
        if (!opens || empty) {
            at = leave(s, at, &levels);
            if (levels.open == 0)
                return at;
            if (!is_at(s, at, ','))
                return stop(s, at, "neither ',' nor an end", fault);
            at++;
        }
        at = next_value(s, at, &levels, fault);
    } while (at);
    return NULL;
}

static const char *after_value(struct json_scan *s, const char *at, unsigned depth,
                               struct fault *fault)
{
    if (at == s->end)
        return stop(s, at, "the text ends too early", fault);
    if (*at != '{' && *at != '[')
        return after_scalar(s, at, fault);
    return s->checked ? pass_nested(s, at, fault) : after_nested(s, at, depth, fault);
}

static enum err check_size(struct slice text, struct json_limits limits, struct fault *fault)
{
    if (text.len <= limits.bytes)
        return ERR_OK;
    return fault_set(fault, ERR_TOO_LARGE, "", "%zu bytes are more than the limit of %zu", text.len,
                     limits.bytes);
}

/* Nothing but space may follow. */
static enum err check_end(struct json_scan *s, const char *at, struct fault *fault)
{
    at = after_space(s, at);
    if (at != s->end)
        (void)stop(s, at, "something behind the end", fault);
    return at == s->end ? ERR_OK : s->err;
}

enum err json_scan_check(struct slice text, struct json_limits limits, struct fault *fault)
{
    struct json_scan s = {.start = text.data, .end = text.data + text.len};
    assert(limits.depth <= LEVELS_MAX);
    enum err err = check_size(text, limits, fault);
    if (err)
        return err;
    const char *at = after_value(&s, after_space(&s, text.data), limits.depth, fault);
    return at ? check_end(&s, at, fault) : s.err;
}

enum err json_scan_begin(struct json_scan *scan, struct slice text, struct json_limits limits,
                         char opener, struct fault *fault)
{
    assert(limits.depth <= LEVELS_MAX);
    enum err err = check_size(text, limits, fault);
    if (err)
        return err;
    if (limits.depth == 0)
        return fault_set(fault, ERR_TOO_DEEP, "", "nested too deep");
    struct json_scan s = {.start = text.data,
                          .at = text.data,
                          .end = text.data + text.len,
                          .depth = limits.depth - 1,
                          .checked = limits.checked,
                          .closer = opener == '{' ? '}' : ']',
                          .first = true};
    s.at = after_space(&s, s.at);
    if (!is_at(&s, s.at, opener)) {
        (void)stop(&s, s.at, opener == '{' ? "not an object" : "not a list", fault);
        return s.err;
    }
    s.at++;
    *scan = s;
    return ERR_OK;
}

/* A member or item from its first byte on. */
static const char *after_part(struct json_scan *s, const char *at, struct json_part *part,
                              struct fault *fault)
{
    part->key = (struct slice){at, 0};
    if (s->closer == '}')
        at = after_key(s, at, &part->key, fault);
    const char *from = at;
    if (at)
        at = after_value(s, at, s->depth, fault);
    if (at)
        part->value = (struct slice){from, (size_t)(at - from)};
    return at;
}

enum err json_scan_next(struct json_scan *scan, struct json_part *part, bool *found,
                        struct fault *fault)
{
    const char *at = after_space(scan, scan->at);
    if (is_at(scan, at, scan->closer)) {
        scan->at = at + 1;
        *found = false;
        return check_end(scan, scan->at, fault);
    }
    if (!scan->first && !is_at(scan, at, ',')) {
        (void)stop(scan, at, "neither ',' nor an end", fault);
        return scan->err;
    }
    at = scan->first ? at : after_space(scan, at + 1);
    scan->first = false;
    at = after_part(scan, at, part, fault);
    if (!at)
        return scan->err;
    scan->at = at;
    *found = true;
    return ERR_OK;
}

/* The place of a key among the names; `count` if it is none of them. */
static size_t find_name(struct slice key, const char *const *names, size_t count)
{
    size_t i = 0;
    while (i < count && !(key.len && *key.data == *names[i] && slice_is(key, names[i])))
        i++;
    return i;
}

enum err json_scan_members(struct slice text, struct json_limits limits, const char *const *names,
                           size_t count, struct slice *values, struct fault *fault)
{
    struct json_scan scan = {0};
    struct json_part part = {0};
    bool found = true;
    for (size_t i = 0; i < count; i++)
        values[i] = (struct slice){NULL, 0};
    enum err err = json_scan_begin(&scan, text, limits, '{', fault);
    while (!err && (err = json_scan_next(&scan, &part, &found, fault)) == ERR_OK && found) {
        size_t i = find_name(part.key, names, count);
        if (i == count)
            continue;
        if (values[i].data)
            return fault_set(fault, ERR_INVALID, names[i], "the key occurs twice");
        values[i] = part.value;
    }
    return err;
}

enum err json_scan_member(struct slice text, struct json_limits limits, const char *key,
                          struct slice *value, struct fault *fault)
{
    struct slice found;
    enum err err = json_scan_members(text, limits, &key, 1, &found, fault);
    if (err)
        return err;
    if (!found.data)
        return fault_set(fault, ERR_NOT_FOUND, key, "is missing");
    *value = found;
    return ERR_OK;
}
