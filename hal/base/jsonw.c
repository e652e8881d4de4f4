#include "hal/base/jsonw.h"
#include "hal/base/json_scan.h"
#include "hal/base/rfc3339.h"
#include "hal/base/utf8.h"

#include <assert.h>
#include <string.h>

struct jsonw jsonw_to(struct buf *out)
{
    return (struct jsonw){.out = out};
}

static bool is_plain(struct slice text)
{
    return json_scan_plain(text) == text.len;
}

/* Writes a text that needs no escape between quotes; returns the end. */
static char *put_quoted(char *to, struct slice text)
{
    *to++ = '"';
    if (text.len)
        memcpy(to, text.data, text.len);
    to += text.len;
    *to++ = '"';
    return to;
}

static void quote_escaped(struct buf *out, struct slice text)
{
    buf_append_char(out, '"');
    size_t plain = 0; /* length of the run before text.data that needs no escape */
    while (text.len) {
        unsigned char c = (unsigned char)*text.data;
        size_t len = json_scan_plain(text);
        if (!len && c >= 0x80)
            len = utf8_char_len(text);
        if (len) {
            plain += len;
            text.data += len;
            text.len -= len;
            continue;
        }
        buf_append(out, text.data - plain, plain);
        plain = 0;
        if (c == '"' || c == '\\') {
            buf_append_char(out, '\\');
            buf_append_char(out, (char)c);
        } else if (c < 0x20) {
            buf_printf(out, "\\u%04x", c);
        } else {
            buf_append_text(out, "\xef\xbf\xbd");
        }
        text.data++;
        text.len--;
    }
    buf_append(out, text.data - plain, plain);
    buf_append_char(out, '"');
}

static void quote(struct buf *out, struct slice text)
{
    if (!is_plain(text)) {
        quote_escaped(out, text);
        return;
    }
    char *to = buf_extend(out, text.len + 2);
    if (to)
        (void)put_quoted(to, text);
}

/* What stands before a value: a comma, and in an object its name. */
static void begin(struct jsonw *w, const char *key)
{
    struct slice name = key ? slice_of(key) : (struct slice){"", 0};
    bool plain = key && is_plain(name);
    char *to = buf_extend(w->out, (size_t)w->comma + (plain ? name.len + 3 : 0));
    if (to && w->comma)
        *to++ = ',';
    if (to && plain)
        *put_quoted(to, name) = ':';
    w->comma = true;
    if (key && !plain) {
        quote_escaped(w->out, name);
        buf_append_char(w->out, ':');
    }
}

static void open_level(struct jsonw *w, const char *key, char opener, char closer)
{
    begin(w, key);
    assert(w->depth < JSONW_DEPTH_MAX);
    w->closers[w->depth++] = closer;
    buf_append_char(w->out, opener);
    w->comma = false;
}

void jsonw_object(struct jsonw *w, const char *key)
{
    open_level(w, key, '{', '}');
}

void jsonw_array(struct jsonw *w, const char *key)
{
    open_level(w, key, '[', ']');
}

void jsonw_end(struct jsonw *w)
{
    assert(w->depth > 0);
    buf_append_char(w->out, w->closers[--w->depth]);
    w->comma = true;
}

void jsonw_slice(struct jsonw *w, const char *key, struct slice text)
{
    begin(w, key);
    quote(w->out, text);
}

void jsonw_text(struct jsonw *w, const char *key, const char *text)
{
    if (text)
        jsonw_slice(w, key, slice_of(text));
    else
        jsonw_null(w, key);
}

void jsonw_int(struct jsonw *w, const char *key, int64_t value)
{
    begin(w, key);
    buf_append_int(w->out, value);
}

void jsonw_digits(struct jsonw *w, const char *key, int64_t value, size_t least)
{
    begin(w, key);
    buf_append_char(w->out, '"');
    buf_append_digits(w->out, value, least);
    buf_append_char(w->out, '"');
}

void jsonw_bool(struct jsonw *w, const char *key, bool value)
{
    begin(w, key);
    buf_append_text(w->out, value ? "true" : "false");
}

void jsonw_null(struct jsonw *w, const char *key)
{
    begin(w, key);
    buf_append_text(w->out, "null");
}

void jsonw_raw(struct jsonw *w, const char *key, struct slice json)
{
    begin(w, key);
    buf_append(w->out, json.data, json.len);
}

void jsonw_time(struct jsonw *w, const char *key, int64_t ms)
{
    char text[RFC3339_TEXT + 1];
    rfc3339_format(ms, text);
    jsonw_text(w, key, text);
}
