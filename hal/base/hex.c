#include "hal/base/hex.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

void hex_encode(const uint8_t *bytes, size_t len, char *text)
{
    for (size_t i = 0; i < len; i++) {
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 15];
    }
    *text = '\0';
}

/* One more than what each digit stands for; 0 for what is none. */
static const uint8_t values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static int digit_value(char c)
{
    return values[(unsigned char)c] - 1;
}

enum err hex_decode(struct slice text, uint8_t *bytes, size_t len)
{
    if (text.len != len * 2)
        return ERR_INVALID;
    for (size_t i = 0; i < text.len; i++)
        if (digit_value(text.data[i]) < 0)
            return ERR_INVALID;
    for (size_t i = 0; i < len; i++)
        bytes[i] =
            (uint8_t)(digit_value(text.data[2 * i]) * 16 + digit_value(text.data[2 * i + 1]));
    return ERR_OK;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64_encode(struct buf *out, const uint8_t *bytes, size_t len, bool url)
{
    const char *letters = url ? alphabet_url : alphabet;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i < 3 ? len - i : 3;
        uint32_t group = (uint32_t)bytes[i] << 16;
        if (left > 1)
            group |= (uint32_t)bytes[i + 1] << 8;
        if (left > 2)
            group |= bytes[i + 2];
        for (size_t k = 0; k < 4; k++) {
            if (k <= left)
                buf_append_char(out, letters[group >> (18 - 6 * k) & 63]);
            else if (!url)
                buf_append_char(out, '=');
        }
    }
}

static int letter_value(char c)
{
    if (c == '-')
        return 62;
    if (c == '_')
        return 63;
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

enum err base64_decode(struct buf *out, struct slice text)
{
    struct slice letters = text;
    while (letters.len && letters.data[letters.len - 1] == '=')
        letters.len--;
    size_t padding = text.len - letters.len;
    if (letters.len % 4 == 1 || (padding && (padding > 2 || text.len % 4 != 0)))
        return ERR_INVALID;
    for (size_t i = 0; i < letters.len; i++)
        if (letter_value(letters.data[i]) < 0)
            return ERR_INVALID;
    uint32_t group = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < letters.len; i++) {
        group = group << 6 | (uint32_t)letter_value(letters.data[i]);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            buf_append_char(out, (char)(group >> bits & 0xff));
        }
    }
    return buf_check(out, NULL, "base64");
}
