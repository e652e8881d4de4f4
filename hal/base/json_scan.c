#include "hal/base/json_scan.h"
#include "hal/base/hex.h"
#include "hal/base/utf8.h"

#include <endian.h>
#include <string.h>

enum { DIGITS_MAX = 16 };      /* of 2^53 */
enum { NUMBER_TEXT_MAX = 60 }; /* cJSON reads no more of a number */

static const int64_t exact_max = INT64_C(9007199254740992);

static enum err bad(const struct json_scan *s, const char *what, struct fault *fault)
{
    return fault_set(fault, ERR_INVALID, "", "%s at offset %zu", what, (size_t)(s->at - s->start));
}

/* What programs write has hardly any: the first look is for what is none. */
static inline void skip_space(struct json_scan *s)
{
    while (s->at < s->end && (unsigned char)*s->at <= ' ' &&
           (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static inline bool take(struct json_scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* Four hexadecimal digits; -1 if they aren't there. */
static int32_t code_unit(const char *at, const char *end)
{
    uint8_t bytes[2];
    if (end - at < 4 || hex_decode((struct slice){at, 4}, bytes, 2) != ERR_OK)
        return -1;
    return bytes[0] << 8 | bytes[1];
}

/*
 * The character that the escape at `at` (behind its backslash) stands for, and its length without
 * the backslash; false for what is no escape, NUL, or half a surrogate pair.
 */
static bool escaped(const char *at, const char *end, uint32_t *character, size_t *len)
{
    static const char names[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    if (at == end || *at == '\0')
        return false;
    const char *name = strchr(names, *at);
    if (name) {
        *character = (uint32_t)meant[name - names];
        *len = 1;
        return true;
    }
    int32_t high = *at == 'u' ? code_unit(at + 1, end) : -1;
    if (high <= 0 || (high >= 0xdc00 && high <= 0xdfff))
        return false;
    *character = (uint32_t)high;
    *len = 5;
    if (high < 0xd800 || high > 0xdbff)
        return true;
    if (end - at < 11 || at[5] != '\\' || at[6] != 'u')
        return false;
    int32_t low = code_unit(at + 7, end);
    if (low < 0xdc00 || low > 0xdfff)
        return false;
    *character = 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
    *len = 11;
    return true;
}

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
    while (len < text.len && is_plain(text.data[len]))
        len++;
    return len;
}

size_t json_scan_plain(struct slice text)
{
    return plain(text);
}

/* What isn't plain at `s`, but a quote; passes it over. */
static enum err skip_rare(struct json_scan *s, struct fault *fault)
{
    unsigned char c = (unsigned char)*s->at;
    uint32_t character;
    size_t len;
    if (c == '\\') {
        if (!escaped(s->at + 1, s->end, &character, &len))
            return bad(s, "an escape that isn't allowed", fault);
        len++;
    } else if (c < 0x20) {
        return bad(s, "a raw control character", fault);
    } else {
        len = utf8_char_len((struct slice){s->at, (size_t)(s->end - s->at)});
        if (len == 0)
            return bad(s, "not UTF-8", fault);
    }
    s->at += len;
    return ERR_OK;
}

/* `s` stands behind the opening quote; leaves it behind the closing one. */
static inline enum err skip_text(struct json_scan *s, struct fault *fault)
{
    for (;;) {
        s->at += plain((struct slice){s->at, (size_t)(s->end - s->at)});
        if (take(s, '"'))
            return ERR_OK;
        if (s->at == s->end)
            return bad(s, "a text without an end", fault);
        enum err err = skip_rare(s, fault);
        if (err)
            return err;
    }
}

static size_t skip_digits(struct json_scan *s)
{
    const char *from = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return (size_t)(s->at - from);
}

static enum err skip_number(struct json_scan *s, struct fault *fault)
{
    const char *from = s->at;
    (void)take(s, '-');
    if (!take(s, '0') && skip_digits(s) == 0)
        return bad(s, "not a JSON value", fault);
    if (take(s, '.') && skip_digits(s) == 0)
        return bad(s, "a number without digits behind its point", fault);
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            (void)take(s, '-');
        if (skip_digits(s) == 0)
            return bad(s, "a number without digits in its exponent", fault);
    }
    if (s->at - from > NUMBER_TEXT_MAX)
        return bad(s, "a number that is too long", fault);
    return ERR_OK;
}

static bool take_word(struct json_scan *s, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
        return false;
    s->at += len;
    return true;
}

static enum err skip_value(struct json_scan *s, unsigned depth, struct fault *fault);

static enum err key(struct json_scan *s, struct slice *out, struct fault *fault)
{
    skip_space(s);
    if (!take(s, '"'))
        return bad(s, "no key", fault);
    const char *from = s->at;
    enum err err = skip_text(s, fault);
    if (err)
        return err;
    *out = (struct slice){from, (size_t)(s->at - from) - 1};
    skip_space(s);
    if (!take(s, ':'))
        return bad(s, "no ':' behind a key", fault);
    skip_space(s);
    return ERR_OK;
}

/* One member or item and the space around it, or the closing bracket. */
static enum err next(struct json_scan *s, char closer, bool *first, unsigned depth,
                     struct json_part *part, bool *found, struct fault *fault)
{
    skip_space(s);
    if (take(s, closer)) {
        *found = false;
        return ERR_OK;
    }
    if (!*first && !take(s, ','))
        return bad(s, "neither ',' nor an end", fault);
    *first = false;
    skip_space(s);
    part->key = (struct slice){s->at, 0};
    enum err err = closer == '}' ? key(s, &part->key, fault) : ERR_OK;
    const char *from = s->at;
    if (!err)
        err = skip_value(s, depth, fault);
    if (err)
        return err;
    part->value = (struct slice){from, (size_t)(s->at - from)};
    *found = true;
    return ERR_OK;
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

static enum err pass_nested(struct json_scan *s, struct fault *fault)
{
    const char *at = s->at;
    unsigned open = 0;
    while (at < s->end) {
        enum mark mark = mark_of(*at++);
        if (mark == MARK_NONE)
            continue;
        if (mark == MARK_QUOTE) {
            at = pass_text(at, s->end);
        } else if (mark == MARK_OPEN) {
            open++;
        } else if (--open == 0) {
            s->at = at;
            return ERR_OK;
        }
    }
    s->at = at;
    return bad(s, "the text ends too early", fault);
}

/* The depth is limited, so this may recurse. */
static enum err skip_nested(struct json_scan *s, unsigned depth, struct fault *fault)
{
    char closer = *s->at == '{' ? '}' : ']';
    struct slice unused;
    if (depth == 0)
        return fault_set(fault, ERR_TOO_DEEP, "", "nested too deep at offset %zu",
                         (size_t)(s->at - s->start));
    s->at++;
    skip_space(s);
    if (take(s, closer))
        return ERR_OK;
    for (;;) {
        enum err err = closer == '}' ? key(s, &unused, fault) : ERR_OK;
        if (!err)
            err = skip_value(s, depth - 1, fault);
        if (err)
            return err;
        skip_space(s);
        if (take(s, closer))
            return ERR_OK;
        if (!take(s, ','))
            return bad(s, "neither ',' nor an end", fault);
        skip_space(s);
    }
}

static enum err skip_value(struct json_scan *s, unsigned depth, struct fault *fault)
{
    if (s->at == s->end)
        return bad(s, "the text ends too early", fault);
    char c = *s->at;
    if (c == '{' || c == '[')
        return s->checked ? pass_nested(s, fault) : skip_nested(s, depth, fault);
    if (take(s, '"'))
        return skip_text(s, fault);
    if (c == '-' || (c >= '0' && c <= '9'))
        return skip_number(s, fault);
    if (take_word(s, "true") || take_word(s, "false") || take_word(s, "null"))
        return ERR_OK;
    return bad(s, "not a JSON value", fault);
}

static enum err check_size(struct slice text, struct json_limits limits, struct fault *fault)
{
    if (text.len <= limits.bytes)
        return ERR_OK;
    return fault_set(fault, ERR_TOO_LARGE, "", "%zu bytes are more than the limit of %zu", text.len,
                     limits.bytes);
}

enum err json_scan_check(struct slice text, struct json_limits limits, struct fault *fault)
{
    struct json_scan s = {.start = text.data, .at = text.data, .end = text.data + text.len};
    enum err err = check_size(text, limits, fault);
    skip_space(&s);
    if (!err)
        err = skip_value(&s, limits.depth, fault);
    skip_space(&s);
    if (!err && s.at != s.end)
        err = bad(&s, "something behind the end", fault);
    return err;
}

enum err json_scan_begin(struct json_scan *scan, struct slice text, struct json_limits limits,
                         char opener, struct fault *fault)
{
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
    skip_space(&s);
    if (!take(&s, opener))
        return bad(&s, opener == '{' ? "not an object" : "not a list", fault);
    *scan = s;
    return ERR_OK;
}

enum err json_scan_next(struct json_scan *scan, struct json_part *part, bool *found,
                        struct fault *fault)
{
    enum err err = next(scan, scan->closer, &scan->first, scan->depth, part, found, fault);
    if (err || *found)
        return err;
    skip_space(scan);
    return scan->at == scan->end ? ERR_OK : bad(scan, "something behind the end", fault);
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

static size_t utf8_put(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--, c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)(leads[len] | c);
    return len;
}

enum err json_scan_text(struct slice value, struct arena *arena, struct slice *text)
{
    if (value.len < 2 || value.data[0] != '"' || value.data[value.len - 1] != '"')
        return ERR_INVALID;
    struct slice inner = {value.data + 1, value.len - 2};
    if (inner.len == 0 || !memchr(inner.data, '\\', inner.len)) {
        *text = inner;
        return ERR_OK;
    }
    char *out = arena_alloc(arena, inner.len, 1); /* an escape is never shorter than its meaning */
    if (!out)
        return ERR_NO_MEMORY;
    const char *end = inner.data + inner.len;
    size_t len = 0;
    for (const char *at = inner.data; at < end;) {
        if (*at != '\\') {
            out[len++] = *at++;
            continue;
        }
        uint32_t character;
        size_t skip;
        if (!escaped(at + 1, end, &character, &skip))
            return ERR_INVALID;
        len += utf8_put(out + len, character);
        at += 1 + skip;
    }
    *text = (struct slice){out, len};
    return ERR_OK;
}

enum err json_scan_int(struct slice value, int64_t *number)
{
    bool minus = value.len > 0 && value.data[0] == '-';
    size_t digits = value.len - minus;
    if (digits == 0 || digits > DIGITS_MAX)
        return ERR_INVALID;
    int64_t result = 0;
    for (size_t i = minus; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return ERR_INVALID;
        result = result * 10 + (value.data[i] - '0');
    }
    if (result > exact_max)
        return ERR_INVALID;
    *number = minus ? -result : result;
    return ERR_OK;
}

enum err json_scan_flag(struct slice value, bool *flag)
{
    bool is_true = slice_is(value, "true");
    if (!is_true && !slice_is(value, "false"))
        return ERR_INVALID;
    *flag = is_true;
    return ERR_OK;
}
