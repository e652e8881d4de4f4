#include "hal/tar.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#define ZLIB_CONST /* it only reads what goes in */
#include <zlib.h>

enum { BLOCK = 512, WINDOW_GZIP = 15 + 16, MEMORY_LEVEL = 8 };

/* Numbers are octal, in texts of fixed width. */
struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], time[12], sum[8], type, link[100];
    char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a tar header is one block");

static void pad(struct buf *tar, size_t len)
{
    static const char zeros[BLOCK];
    buf_append(tar, zeros, (BLOCK - len % BLOCK) % BLOCK);
}

void tar_add(struct buf *tar, const char *name, struct slice content, int64_t time_ms)
{
    struct header h = {.type = '0', .magic = "ustar", .version = {'0', '0'}};
    unsigned sum = 0;
    assert(strlen(name) <= TAR_NAME_MAX);
    (void)snprintf(h.name, sizeof h.name, "%s", name);
    (void)snprintf(h.mode, sizeof h.mode, "%07o", 0600U);
    (void)snprintf(h.uid, sizeof h.uid, "%07o", 0U);
    (void)snprintf(h.gid, sizeof h.gid, "%07o", 0U);
    (void)snprintf(h.size, sizeof h.size, "%011o", (unsigned)content.len);
    (void)snprintf(h.time, sizeof h.time, "%011llo", (unsigned long long)(time_ms / 1000));
    memset(h.sum, ' ', sizeof h.sum);
    const unsigned char *bytes = (const unsigned char *)&h;
    for (size_t i = 0; i < sizeof h; i++)
        sum += bytes[i];
    (void)snprintf(h.sum, sizeof h.sum - 1, "%06o", sum);
    buf_append(tar, &h, sizeof h);
    buf_append(tar, content.data, content.len);
    pad(tar, content.len);
}

void tar_end(struct buf *tar)
{
    static const char zeros[2 * BLOCK];
    buf_append(tar, zeros, sizeof zeros);
}

enum err gzip_pack(struct slice bytes, struct buf *out, struct fault *fault)
{
    char chunk[4096];
    z_stream z = {.avail_in = (uInt)bytes.len};
    z.next_in = (const Bytef *)bytes.data;
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_GZIP, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return fault_set(fault, ERR_NO_MEMORY, "gzip", "out of memory");
    int code = Z_OK;
    while (code == Z_OK) {
        z.next_out = (Bytef *)chunk;
        z.avail_out = sizeof chunk;
        code = deflate(&z, Z_FINISH);
        buf_append(out, chunk, sizeof chunk - z.avail_out);
    }
    (void)deflateEnd(&z);
    return code == Z_STREAM_END ? buf_check(out, fault, "gzip")
                                : fault_set(fault, ERR_IO, "gzip", "packing failed");
}
