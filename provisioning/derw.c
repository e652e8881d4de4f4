#include "provisioning/derw.h"

#include "hal/base/rfc3339.h"

#include <assert.h>
#include <string.h>

struct derw derw_to(struct buf *out)
{
    return (struct derw){.out = out};
}

void derw_begin(struct derw *w, unsigned tag)
{
    assert(w->depth < DERW_DEPTH_MAX);
    buf_append_char(w->out, (char)tag);
    w->starts[w->depth++] = w->out->len;
}

/* Writes a length's octets; returns how many. */
static size_t length_octets(size_t len, uint8_t octets[static 5])
{
    assert(len <= UINT32_MAX);
    if (len < 0x80) {
        octets[0] = (uint8_t)len;
        return 1;
    }
    size_t count = 1;
    while (count < 4 && len >> (8 * count))
        count++;
    octets[0] = (uint8_t)(0x80 | count);
    for (size_t i = 0; i < count; i++)
        octets[1 + i] = (uint8_t)(len >> (8 * (count - 1 - i)));
    return 1 + count;
}

void derw_end(struct derw *w)
{
    assert(w->depth > 0);
    size_t start = w->starts[--w->depth];
    if (w->out->failed)
        return;
    size_t len = w->out->len - start;
    uint8_t octets[5];
    size_t count = length_octets(len, octets);
    buf_append(w->out, octets, count);
    if (w->out->failed)
        return;
    char *content = w->out->data + start;
    memmove(content + count, content, len);
    memcpy(content, octets, count);
}

void derw_bytes(struct derw *w, unsigned tag, struct slice content)
{
    derw_begin(w, tag);
    buf_append(w->out, content.data, content.len);
    derw_end(w);
}

void derw_text(struct derw *w, const char *text)
{
    derw_bytes(w, DERW_UTF8_STRING, slice_of(text));
}

void derw_oid(struct derw *w, struct slice oid)
{
    derw_bytes(w, DERW_OID, oid);
}

void derw_bool(struct derw *w, bool value)
{
    derw_bytes(w, DERW_BOOLEAN, (struct slice){value ? "\xff" : "\0", 1});
}

void derw_unsigned(struct derw *w, const uint8_t *bytes, size_t len)
{
    while (len > 1 && bytes[0] == 0) {
        bytes++;
        len--;
    }
    derw_begin(w, DERW_INTEGER);
    if (len == 0 || bytes[0] & 0x80)
        buf_append_char(w->out, '\0');
    buf_append(w->out, bytes, len);
    derw_end(w);
}

void derw_int(struct derw *w, int64_t value)
{
    assert(value >= 0);
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
    derw_unsigned(w, bytes, sizeof bytes);
}

void derw_bits(struct derw *w, struct slice content, unsigned unused)
{
    derw_begin(w, DERW_BIT_STRING);
    buf_append_char(w->out, (char)unused);
    buf_append(w->out, content.data, content.len);
    derw_end(w);
}

void derw_time(struct derw *w, int64_t ms)
{
    char text[RFC3339_TEXT + 1];
    rfc3339_format(ms, text); /* 2026-11-22T10:11:12.345Z */
    bool short_year = strncmp(text, "2050", 4) < 0;
    derw_begin(w, short_year ? DERW_UTC_TIME : DERW_GENERALIZED_TIME);
    for (const char *c = text + (short_year ? 2 : 0); *c && *c != '.'; c++)
        if (*c >= '0' && *c <= '9')
            buf_append_char(w->out, *c);
    buf_append_char(w->out, 'Z');
    derw_end(w);
}

void derw_raw(struct derw *w, struct slice der)
{
    buf_append(w->out, der.data, der.len);
}
