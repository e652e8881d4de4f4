/*
 * The framer against any bytes: cut into reads of any size the same scans come out, none twice,
 * none with what a scan can't hold. The first byte chooses the framing, the second the size of the
 * reads.
 */
#include "hal/base/utf8.h"
#include "hal/framer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

struct outcome {
    struct buf log; /* all frames, one after the other */
    size_t bytes;   /* in scans and refusals */
};

static void note(struct outcome *outcome, enum framed framed, const struct frame *frame)
{
    if (framed == FRAMED_SCAN) {
        require(frame->data.len > 0 && frame->data.len <= SCAN_BYTES_MAX);
        require(utf8_valid(frame->data));
        require(!memchr(frame->data.data, '\r', frame->data.len));
        require(!memchr(frame->data.data, '\0', frame->data.len));
        buf_printf(&outcome->log, "scan %s ", frame->aim);
        buf_append(&outcome->log, frame->data.data, frame->data.len);
        outcome->bytes += frame->data.len;
    } else {
        buf_printf(&outcome->log, "refused %s %zu", frame->why, frame->bytes);
        outcome->bytes += frame->bytes;
    }
    buf_append_char(&outcome->log, '\n');
}

static void feed(struct outcome *outcome, uint8_t choice, struct slice input, size_t read_size)
{
    static const char terminators[] = {'\r', '\n', '\x03', '\0'};
    struct framer framer;
    enum err err = framer_init(&framer, choice & 4 ? "\x02" : "", choice & 8 ? "#!" : NULL,
                               terminators[choice & 3], NULL);
    require(err == ERR_OK);
    buf_init(&outcome->log, 16 * 1024 * 1024);
    outcome->bytes = 0;
    struct frame frame;
    while (input.len) {
        struct slice part = {input.data, input.len < read_size ? input.len : read_size};
        input.data += part.len;
        input.len -= part.len;
        enum framed framed;
        while ((framed = framer_take(&framer, &part, &frame)) != FRAMED_NOTHING)
            note(outcome, framed, &frame);
        require(part.len == 0);
    }
    if (framer_cut(&framer, &frame) == FRAMED_REFUSED)
        note(outcome, FRAMED_REFUSED, &frame);
    require(!framer_waiting(&framer));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct slice input = {(const char *)data + 2, size - 2};
    struct outcome whole;
    struct outcome parts;
    feed(&whole, data[0], input, input.len ? input.len : 1);
    feed(&parts, data[0], input, data[1] + 1u);
    require(whole.bytes <= input.len);
    require(slice_equal(buf_slice(&whole.log), buf_slice(&parts.log)));
    buf_free(&whole.log);
    buf_free(&parts.log);
    return 0;
}
