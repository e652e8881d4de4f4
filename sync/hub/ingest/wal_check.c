#include "sync/hub/ingest/wal_check.h"
#include "hal/base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEADER = 32,
    FRAME_HEADER = 24,
    CHECKED_HEADER = 24,      /* bytes of the header that its checksum covers */
    CHECKED_FRAME_HEADER = 8, /* the same of a frame's; then its page */
    PAGE_LEAST = 512,
    PAGE_MOST = 65536,
    INDEX_HEADER = 48, /* of the shared index: WalIndexHdr, in the machine's own byte order */
    INDEX_IS_INIT = 12,
    INDEX_FRAMES = 16,
    INDEX_SALTS = 32,
    SALTS = 8,
};

#define MAGIC 0x377f0682u /* the lowest bit: checksums over big-endian words */

struct wal {
    int fd;
    uint32_t page_size;
    bool big_endian;
    uint8_t salts[SALTS];
    uint32_t sums[2]; /* running */
    uint8_t *frame;
    int64_t frames; /* that the file has room for */
};

static uint32_t big(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint32_t word_at(const struct wal *wal, const uint8_t *bytes)
{
    uint32_t word = big(bytes);
    return wal->big_endian ? word : __builtin_bswap32(word);
}

static void add_up(struct wal *wal, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i += 8) {
        wal->sums[0] += word_at(wal, bytes + i) + wal->sums[1];
        wal->sums[1] += word_at(wal, bytes + i + 4) + wal->sums[0];
    }
}

static bool adds_up_to(const struct wal *wal, const uint8_t *kept)
{
    return wal->sums[0] == big(kept) && wal->sums[1] == big(kept + 4);
}

static bool read_at(int fd, void *out, size_t len, int64_t at)
{
    return pread(fd, out, len, (off_t)at) == (ssize_t)len;
}

/* False when nothing in the file can be trusted. */
static bool read_header(struct wal *wal)
{
    uint8_t header[HEADER];
    if (!read_at(wal->fd, header, sizeof header, 0) || (big(header) & ~1u) != MAGIC)
        return false;
    wal->big_endian = big(header) & 1;
    wal->page_size = big(header + 8);
    if (wal->page_size < PAGE_LEAST || wal->page_size > PAGE_MOST ||
        (wal->page_size & (wal->page_size - 1)) != 0)
        return false;
    memcpy(wal->salts, header + 16, SALTS);
    add_up(wal, header, CHECKED_HEADER);
    return adds_up_to(wal, header + CHECKED_HEADER);
}

static bool read_frame(struct wal *wal, int64_t number)
{
    const int64_t size = FRAME_HEADER + (int64_t)wal->page_size;
    return read_at(wal->fd, wal->frame, (size_t)size, HEADER + (number - 1) * size);
}

static bool is_of_now(const struct wal *wal)
{
    return memcmp(wal->frame + 8, wal->salts, SALTS) == 0;
}

static bool ends_transaction(const struct wal *wal)
{
    return big(wal->frame + 4) != 0;
}

/* How many frames the shared index knows of this log (NULL: of any); 0 without one. */
static int64_t indexed_frames(const char *database, const struct wal *wal)
{
    char path[PATH_MAX];
    uint8_t header[INDEX_HEADER];
    uint32_t frames = 0;
    (void)snprintf(path, sizeof path, "%s-shm", database);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (read_at(fd, header, sizeof header, 0) && header[INDEX_IS_INIT] &&
        (!wal || memcmp(header + INDEX_SALTS, wal->salts, SALTS) == 0))
        memcpy(&frames, header + INDEX_FRAMES, sizeof frames);
    (void)close(fd);
    return frames;
}

/* The frames that add up, one after the other; *whole is the last that ends a transaction. */
static int64_t count_sound(struct wal *wal)
{
    int64_t sound = 0;
    while (sound < wal->frames && read_frame(wal, sound + 1) && is_of_now(wal)) {
        add_up(wal, wal->frame, CHECKED_FRAME_HEADER);
        add_up(wal, wal->frame + FRAME_HEADER, wal->page_size);
        if (!adds_up_to(wal, wal->frame + 16))
            break;
        sound++;
    }
    return sound;
}

/* Ends of transactions after a frame that doesn't add up. One may be what a power cut tore. */
static int64_t transactions_after(struct wal *wal, int64_t sound)
{
    int64_t ends = 0;
    for (int64_t number = sound + 2; number <= wal->frames && read_frame(wal, number); number++)
        ends += is_of_now(wal) && ends_transaction(wal);
    return ends;
}

static void look(struct wal *wal, const char *database, struct wal_found *found)
{
    found->wanted = indexed_frames(database, wal);
    found->sound = count_sound(wal);
    if (found->sound < found->wanted)
        found->damaged_at = found->sound + 1;
    else if (found->sound < wal->frames && transactions_after(wal, found->sound))
        found->damaged_at = found->sound + 1;
}

static enum err check_file(struct wal *wal, const char *database, struct wal_found *found,
                           struct fault *fault)
{
    struct stat info;
    if (fstat(wal->fd, &info) != 0)
        return fault_errno(fault, errno, database, "looking at the write-ahead log");
    if (info.st_size <= HEADER)
        return ERR_OK;
    if (!read_header(wal)) {
        found->damaged_at = -1;
        return ERR_OK;
    }
    const int64_t size = FRAME_HEADER + (int64_t)wal->page_size;
    wal->frames = (info.st_size - HEADER) / size;
    wal->frame = malloc((size_t)size);
    if (!wal->frame)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    look(wal, database, found);
    free(wal->frame);
    return ERR_OK;
}

enum err wal_check(const char *database, struct wal_found *found, struct fault *fault)
{
    char path[PATH_MAX];
    struct wal wal = {.fd = -1};
    struct wal_found made = {0};
    (void)snprintf(path, sizeof path, "%s-wal", database);
    wal.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (wal.fd < 0 && errno != ENOENT)
        return fault_errno(fault, errno, path, "opening the write-ahead log");
    if (wal.fd < 0 && indexed_frames(database, NULL))
        made.damaged_at = -1;
    enum err err = wal.fd < 0 ? ERR_OK : check_file(&wal, database, &made, fault);
    if (wal.fd >= 0)
        (void)close(wal.fd);
    if (!err)
        *found = made;
    return err;
}
