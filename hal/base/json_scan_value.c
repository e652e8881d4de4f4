/* json_scan.h: what a value that was scanned means. */
#include "hal/base/json_escape.h"
#include "hal/base/json_scan.h"

#include <string.h>

enum { DIGITS_MAX = 16 }; /* of 2^53 */

static const int64_t exact_max = INT64_C(9007199254740992);

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
        if (!json_escape_read(at + 1, end, &character, &skip))
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
