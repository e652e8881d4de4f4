#include "sync/contract/compression.h"
#include "sync/contract/batch.h"
#include "sync/contract/dictionary.h"

#include <stdlib.h>
#include <zstd.h>

/* Of the levels 1 to 19 the first: the higher ones gain little on batches, at many times the work.
 */
enum { LEVEL = 1, DICTIONARY_NUMBER = 1 };

static const struct dictionary_file *const dictionary = &dictionary_files[0];

struct compressor {
    ZSTD_CCtx *context;
    ZSTD_CDict *dictionary;
    char *frame;
    size_t frame_max;
};

enum err compressor_open(struct compressor **out, struct fault *fault)
{
    struct compressor *c = calloc(1, sizeof *c);
    if (!c)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    c->context = ZSTD_createCCtx();
    c->dictionary = ZSTD_createCDict(dictionary->data, dictionary->len, LEVEL);
    c->frame_max = ZSTD_compressBound(BATCH_BYTES_MAX);
    c->frame = malloc(c->frame_max);
    if (!c->context || !c->dictionary || !c->frame) {
        compressor_close(c);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    *out = c;
    return ERR_OK;
}

void compressor_close(struct compressor *c)
{
    if (!c)
        return;
    (void)ZSTD_freeCCtx(c->context);
    (void)ZSTD_freeCDict(c->dictionary);
    free(c->frame);
    free(c);
}

enum err compressor_pack(struct compressor *c, struct slice text, struct slice *frame,
                         struct fault *fault)
{
    if (text.len > BATCH_BYTES_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "", "more than %d bytes", BATCH_BYTES_MAX);
    size_t len = ZSTD_compress_usingCDict(c->context, c->frame, c->frame_max, text.data, text.len,
                                          c->dictionary);
    if (ZSTD_isError(len))
        return fault_set(fault, ERR_NO_MEMORY, "", "zstd: %s", ZSTD_getErrorName(len));
    *frame = (struct slice){c->frame, len};
    return ERR_OK;
}

/* What the frame's header promises. */
static enum err check_header(struct slice frame, size_t *len, struct fault *fault)
{
    unsigned long long promised = ZSTD_getFrameContentSize(frame.data, frame.len);
    if (promised == ZSTD_CONTENTSIZE_ERROR || promised == ZSTD_CONTENTSIZE_UNKNOWN)
        return fault_set(fault, ERR_INVALID, "", "is no frame that says how long its text is");
    if (promised > BATCH_BYTES_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "", "unpacks to more than %d bytes",
                         BATCH_BYTES_MAX);
    if (ZSTD_getDictID_fromFrame(frame.data, frame.len) != DICTIONARY_NUMBER)
        return fault_set(fault, ERR_INVALID, "", "was made with another dictionary");
    *len = (size_t)promised;
    return ERR_OK;
}

enum err compression_unpack(struct slice frame, struct buf *text, struct fault *fault)
{
    size_t len = 0;
    enum err err = check_header(frame, &len, fault);
    if (err)
        return err;
    ZSTD_DCtx *context = ZSTD_createDCtx();
    const size_t before = text->len;
    char *unpacked = context ? buf_extend(text, len) : NULL;
    size_t got = 0;
    if (!context)
        err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    else if (unpacked)
        got = ZSTD_decompress_usingDict(context, unpacked, len, frame.data, frame.len,
                                        dictionary->data, dictionary->len);
    if (ZSTD_isError(got)) {
        err = fault_set(fault, ERR_INVALID, "", "can't be unpacked: %s", ZSTD_getErrorName(got));
        text->len = before;
        text->data[before] = '\0';
    }
    (void)ZSTD_freeDCtx(context);
    return err ? err : buf_check(text, fault, "");
}
