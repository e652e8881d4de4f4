/*
 * Any bytes as a settlement file: the first chooses the format, the second how it is cut in pieces.
 * Cut or whole it says the same; every text ends where it must.
 */
#include "sync/hub/connect/settlement.h"

#include <assert.h>
#include <string.h>

struct seen {
    size_t count;
    int64_t net_minor;
};

static enum err take(void *context, const struct settlement_line *line, struct fault *fault)
{
    struct seen *seen = context;
    (void)fault;
    assert(memchr(line->own, '\0', sizeof line->own));
    assert(memchr(line->reference, '\0', sizeof line->reference));
    assert(memchr(line->payment, '\0', sizeof line->payment));
    seen->count++;
    seen->net_minor ^= line->net_minor;
    return ERR_OK;
}

static enum err read_in(enum settlement_format format, struct slice bytes, size_t piece,
                        struct seen *seen)
{
    struct settlement_reader *reader;
    enum err err = settlement_open(format, take, seen, &reader, NULL);
    if (err)
        return err;
    while (bytes.len && !err) {
        size_t len = bytes.len < piece ? bytes.len : piece;
        err = settlement_feed(reader, (struct slice){bytes.data, len}, NULL);
        bytes = (struct slice){bytes.data + len, bytes.len - len};
    }
    if (!err)
        err = settlement_finish(reader, NULL);
    settlement_close(reader);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2)
        return 0;
    enum settlement_format format = (enum settlement_format)(data[0] % SETTLEMENT_FORMAT_COUNT);
    struct slice bytes = {(const char *)data + 2, len - 2};
    struct seen whole = {0};
    struct seen cut = {0};
    enum err err_whole = read_in(format, bytes, len, &whole);
    enum err err_cut = read_in(format, bytes, (size_t)data[1] + 1, &cut);
    assert(err_whole == err_cut);
    assert(whole.count == cut.count && whole.net_minor == cut.net_minor);
    return 0;
}
