#include "hal/framer.h"
#include "hal/base/utf8.h"

#include <string.h>

enum { AIM_LEN = 3 };

static bool is_data_control(char c)
{
    return c == '\t' || c == '\x04' || (c >= '\x1c' && c <= '\x1f');
}

static enum err copy_affix(char to[static FRAMER_AFFIX_MAX + 1], const char *from, char terminator,
                           const char *name, struct fault *fault)
{
    size_t len = from ? strlen(from) : 0;
    if (len > FRAMER_AFFIX_MAX)
        return fault_set(fault, ERR_INVALID, name, "must have at most %d bytes", FRAMER_AFFIX_MAX);
    const char forbidden[] = {terminator, '\r', '\n', '\0'};
    if (len && strpbrk(from, forbidden))
        return fault_set(fault, ERR_INVALID, name, "must not hold the terminator, CR or LF");
    if (len)
        memcpy(to, from, len);
    to[len] = '\0';
    return ERR_OK;
}

enum err framer_init(struct framer *framer, const char *prefix, const char *suffix, char terminator,
                     struct fault *fault)
{
    if (terminator == '\0')
        terminator = '\r';
    if (terminator < 0 || is_data_control(terminator))
        return fault_set(fault, ERR_INVALID, "terminator",
                         "must be an ASCII character that is not part of scans");
    framer->terminator = terminator;
    framer->skipping = false;
    framer->after_terminator = false;
    framer->len = 0;
    enum err err = copy_affix(framer->prefix, prefix, terminator, "prefix", fault);
    return err ? err : copy_affix(framer->suffix, suffix, terminator, "suffix", fault);
}

static enum framed refuse(struct frame *frame, const char *why, size_t bytes)
{
    *frame = (struct frame){.why = why, .bytes = bytes};
    return FRAMED_REFUSED;
}

static bool strip_prefix(struct slice *data, const char *prefix)
{
    size_t len = strlen(prefix);
    if (data->len < len || memcmp(data->data, prefix, len) != 0)
        return false;
    data->data += len;
    data->len -= len;
    return true;
}

static bool strip_suffix(struct slice *data, const char *suffix)
{
    size_t len = strlen(suffix);
    if (data->len < len || memcmp(data->data + data->len - len, suffix, len) != 0)
        return false;
    data->len -= len;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void strip_aim(struct slice *data, char aim[static AIM_LEN])
{
    memset(aim, 0, AIM_LEN);
    if (data->len < AIM_LEN || data->data[0] != ']' || !is_letter(data->data[1]))
        return;
    char modifier = data->data[2];
    if (!is_letter(modifier) && (modifier < '0' || modifier > '9'))
        return;
    aim[0] = data->data[1];
    aim[1] = modifier;
    data->data += AIM_LEN;
    data->len -= AIM_LEN;
}

static bool holds_control(struct slice data)
{
    for (size_t i = 0; i < data.len; i++) {
        char c = data.data[i];
        if (((unsigned char)c < 0x20 && !is_data_control(c)) || c == 0x7f)
            return true;
    }
    return false;
}

/* Judges the whole frame that was collected, and empties the framer. */
static enum framed finish(struct framer *framer, struct frame *frame)
{
    size_t bytes = framer->len;
    framer->len = 0;
    struct slice data = {framer->bytes, bytes};
    if (framer->terminator == '\n' && data.len && data.data[data.len - 1] == '\r')
        data.len--;
    if (data.len == 0)
        return FRAMED_NOTHING;
    if (!strip_prefix(&data, framer->prefix))
        return refuse(frame, "it does not begin with the prefix", bytes);
    if (!strip_suffix(&data, framer->suffix))
        return refuse(frame, "it does not end with the suffix", bytes);
    char aim[AIM_LEN];
    strip_aim(&data, aim);
    if (data.len == 0)
        return refuse(frame, "it holds no data", bytes);
    if (data.len > SCAN_BYTES_MAX)
        return refuse(frame, "it is longer than a scan can be", bytes);
    if (!utf8_valid(data))
        return refuse(frame, "it is not UTF-8", bytes);
    if (holds_control(data))
        return refuse(frame, "it holds a control character that no scan has", bytes);
    *frame = (struct frame){.data = data};
    memcpy(frame->aim, aim, sizeof aim);
    return FRAMED_SCAN;
}

static enum framed take_terminator(struct framer *framer, struct frame *frame)
{
    framer->after_terminator = framer->terminator != '\n';
    if (framer->skipping) {
        framer->skipping = false;
        return FRAMED_NOTHING;
    }
    return finish(framer, frame);
}

static enum framed take_byte(struct framer *framer, char c, struct frame *frame)
{
    if (c == framer->terminator)
        return take_terminator(framer, frame);
    bool ignored = framer->after_terminator && c == '\n';
    framer->after_terminator = false;
    if (ignored || framer->skipping)
        return FRAMED_NOTHING;
    if (framer->len == sizeof framer->bytes) {
        framer->len = 0;
        framer->skipping = true;
        return refuse(frame, "it is longer than a scan can be", sizeof framer->bytes + 1);
    }
    framer->bytes[framer->len++] = c;
    return FRAMED_NOTHING;
}

enum framed framer_take(struct framer *framer, struct slice *input, struct frame *frame)
{
    while (input->len) {
        char c = *input->data++;
        input->len--;
        enum framed framed = take_byte(framer, c, frame);
        if (framed != FRAMED_NOTHING)
            return framed;
    }
    return FRAMED_NOTHING;
}

bool framer_waiting(const struct framer *framer)
{
    return framer->skipping || framer->len > 0;
}

enum framed framer_cut(struct framer *framer, struct frame *frame)
{
    size_t bytes = framer->len;
    framer->len = 0;
    framer->skipping = false;
    framer->after_terminator = false;
    return bytes ? refuse(frame, "it was cut in the middle", bytes) : FRAMED_NOTHING;
}
