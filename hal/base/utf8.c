#include "hal/base/utf8.h"

static bool is_tail(unsigned char c, unsigned char low, unsigned char high)
{
    return c >= low && c <= high;
}

size_t utf8_char_len(struct slice text)
{
    const unsigned char *p = (const unsigned char *)text.data;
    if (text.len == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || text.len < len)
        return 0;
    unsigned char low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (!is_tail(p[1], low, high))
        return 0;
    for (size_t i = 2; i < len; i++)
        if (!is_tail(p[i], 0x80, 0xbf))
            return 0;
    return len;
}

bool utf8_valid(struct slice text)
{
    while (text.len) {
        size_t len = utf8_char_len(text);
        if (len == 0)
            return false;
        text.data += len;
        text.len -= len;
    }
    return true;
}

void utf8_append(struct buf *out, unsigned character)
{
    if (character >= 0x800)
        buf_append_char(out, (char)(0xe0 | character >> 12));
    else if (character >= 0x80)
        buf_append_char(out, (char)(0xc0 | character >> 6));
    if (character >= 0x800)
        buf_append_char(out, (char)(0x80 | (character >> 6 & 0x3f)));
    buf_append_char(out, character >= 0x80 ? (char)(0x80 | (character & 0x3f)) : (char)character);
}
