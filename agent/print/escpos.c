#include "agent/print/escpos.h"
#include "hal/base/cleanup.h"

enum {
    TEXT_MAX_BYTES = 8 * 1024,
    CODE_HEIGHT_DOTS = 80,
    CODE_MODULE_DOTS = 2,
    QR_MODULE_DOTS = 6,
    DRAWER_ON_2MS = 50, /* in steps of 2 ms */
    DRAWER_OFF_2MS = 250,
};

static void command(struct escpos *w, const char *bytes, size_t len)
{
    buf_append(w->out, bytes, len);
}

#define COMMAND(w, ...)                                                                            \
    command((w), (const char[]){__VA_ARGS__}, sizeof((const char[]){__VA_ARGS__}))

struct escpos escpos_begin(struct buf *out, enum code_page page, int columns)
{
    struct escpos w = {.out = out, .page = page, .columns = columns};
    COMMAND(&w, 0x1b, '@');
    COMMAND(&w, 0x1b, 't', (char)code_page_to_epson(page));
    return w;
}

void escpos_align(struct escpos *w, enum escpos_align align)
{
    COMMAND(w, 0x1b, 'a', (char)align);
}

void escpos_bold(struct escpos *w, bool on)
{
    COMMAND(w, 0x1b, 'E', on);
}

void escpos_large(struct escpos *w, bool on)
{
    w->large = on;
    COMMAND(w, 0x1d, '!', on ? 0x11 : 0);
}

void escpos_inverse(struct escpos *w, bool on)
{
    COMMAND(w, 0x1d, 'B', on);
}

/* --- Text --------------------------------------------------------------------------------------
 */

/* The text in the code page: one byte for each column. */
static void encode(const struct escpos *w, struct slice text, struct buf *bytes)
{
    code_page_write(w->page, text, bytes);
    for (size_t i = 0; i < bytes->len; i++)
        if ((unsigned char)bytes->data[i] < 0x20 || bytes->data[i] == 0x7f)
            bytes->data[i] = ' ';
}

/* Takes the words that fit off the front; at least one character. */
static struct slice take_line(struct slice *rest, size_t width)
{
    while (rest->len && rest->data[0] == ' ') {
        rest->data++;
        rest->len--;
    }
    struct slice line = *rest;
    if (line.len > width) {
        size_t end = width;
        while (end > 0 && rest->data[end] != ' ')
            end--;
        line.len = end ? end : width;
    }
    rest->data += line.len;
    rest->len -= line.len;
    while (line.len && line.data[line.len - 1] == ' ')
        line.len--;
    return line;
}

static bool is_blank(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] != ' ')
            return false;
    return true;
}

static size_t width_of(const struct escpos *w)
{
    return (size_t)(w->large ? w->columns / 2 : w->columns);
}

static void blanks(struct escpos *w, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_append_char(w->out, ' ');
}

void escpos_line(struct escpos *w, struct slice text)
{
    escpos_pair(w, text, (struct slice){"", 0}, 0);
}

void escpos_pair(struct escpos *w, struct slice left, struct slice right, int indent)
{
    struct buf left_bytes CLEANUP(buf_free);
    struct buf right_bytes CLEANUP(buf_free);
    buf_init(&left_bytes, TEXT_MAX_BYTES);
    buf_init(&right_bytes, TEXT_MAX_BYTES);
    encode(w, left, &left_bytes);
    encode(w, right, &right_bytes);
    if (left_bytes.failed || right_bytes.failed)
        w->out->failed = true;
    size_t margin = (size_t)indent;
    size_t width = width_of(w) - margin;
    struct slice rest = buf_slice(&left_bytes);
    struct slice end = buf_slice(&right_bytes);
    if (end.len > width_of(w))
        end.len = width_of(w);
    for (;;) {
        struct slice line = take_line(&rest, width);
        blanks(w, line.len ? margin : 0);
        buf_append(w->out, line.data, line.len);
        if (is_blank(rest)) {
            size_t used = (line.len ? margin : 0) + line.len;
            if (end.len && used + 1 + end.len > width_of(w)) {
                buf_append_char(w->out, '\n');
                used = 0;
            }
            if (end.len)
                blanks(w, width_of(w) - used - end.len);
            buf_append(w->out, end.data, end.len);
            buf_append_char(w->out, '\n');
            return;
        }
        buf_append_char(w->out, '\n');
    }
}

void escpos_rule(struct escpos *w)
{
    for (size_t i = 0; i < width_of(w); i++)
        buf_append_char(w->out, '-');
    buf_append_char(w->out, '\n');
}

void escpos_feed(struct escpos *w, int lines)
{
    COMMAND(w, 0x1b, 'd', (char)lines);
}

/* --- Codes and pictures ------------------------------------------------------------------------
 */

static bool can_be_coded(struct slice data)
{
    for (size_t i = 0; i < data.len; i++)
        if (data.data[i] < 0x20 || data.data[i] > 0x7e)
            return false;
    return data.len > 0 && data.len <= ESCPOS_CODE_MAX;
}

/* In code set B; a brace begins a code set's name, and is written twice to stand for itself. */
void escpos_code128(struct escpos *w, struct slice data)
{
    size_t braces = 0;
    for (size_t i = 0; i < data.len; i++)
        braces += data.data[i] == '{';
    if (!can_be_coded(data)) {
        w->out->failed = true;
        return;
    }
    COMMAND(w, 0x1d, 'h', CODE_HEIGHT_DOTS);
    COMMAND(w, 0x1d, 'w', CODE_MODULE_DOTS);
    COMMAND(w, 0x1d, 'H', 2); /* its text below it */
    COMMAND(w, 0x1d, 'k', 73, (char)(data.len + braces + 2), '{', 'B');
    for (size_t i = 0; i < data.len; i++) {
        if (data.data[i] == '{')
            buf_append_char(w->out, '{');
        buf_append_char(w->out, data.data[i]);
    }
}

/* GS ( k with its length and function: model 2, level M. */
void escpos_qr(struct escpos *w, struct slice data)
{
    if (!can_be_coded(data)) {
        w->out->failed = true;
        return;
    }
    COMMAND(w, 0x1d, '(', 'k', 4, 0, 49, 65, 50, 0);
    COMMAND(w, 0x1d, '(', 'k', 3, 0, 49, 67, QR_MODULE_DOTS);
    COMMAND(w, 0x1d, '(', 'k', 3, 0, 49, 69, 49);
    COMMAND(w, 0x1d, '(', 'k', (char)(data.len + 3), 0, 49, 80, 48);
    buf_append(w->out, data.data, data.len);
    COMMAND(w, 0x1d, '(', 'k', 3, 0, 49, 81, 48);
}

void escpos_raster(struct escpos *w, int width, int height, struct slice bits)
{
    unsigned row_bytes = ((unsigned)width + 7) / 8;
    COMMAND(w, 0x1d, 'v', '0', 0, (char)row_bytes, (char)(row_bytes >> 8), (char)height,
            (char)(height >> 8));
    buf_append(w->out, bits.data, bits.len);
}

void escpos_drawer(struct escpos *w, bool second)
{
    COMMAND(w, 0x1b, 'p', second, DRAWER_ON_2MS, (char)DRAWER_OFF_2MS);
}

void escpos_cut(struct escpos *w)
{
    COMMAND(w, 0x1d, 'V', 66, 0);
}
