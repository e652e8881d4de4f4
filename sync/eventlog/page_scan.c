#include "sync/eventlog/page_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* https://www.sqlite.org/fileformat.html names all of these. */
enum {
    FILE_HEADER = 100,
    PAGE_SIZE_DEFAULT = 4096,
    PAGE_SIZE_MIN = 512,
    PAGE_SIZE_MAX = 65536,
    LEAF_TABLE = 0x0d,
    LEAF_HEADER = 8,
    WAL_HEADER = 32,
    FRAME_HEADER = 24,
    VARINT_MAX = 9,
    RECORD_MAX = 1024 * 1024, /* no row of ours is larger */
};

struct scan {
    int database; /* -1: missing */
    int wal;
    uint32_t page_size;
    off_t *newest; /* page number to its last place in the WAL; 0: none */
    uint32_t newest_count;
    bool use_wal; /* overflow pages: the newest version, or the database's */
    unsigned char *page;
    unsigned char *overflow;
    struct buf record;
    page_visit *visit;
    void *context;
};

static uint32_t big_endian(const unsigned char *bytes, size_t len)
{
    uint32_t value = 0;
    for (size_t i = 0; i < len; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* Reads a varint; 0 when it doesn't end within `len`. */
static size_t varint(const unsigned char *bytes, size_t len, uint64_t *value)
{
    uint64_t made = 0;
    for (size_t i = 0; i < len && i < VARINT_MAX; i++) {
        bool last = i == VARINT_MAX - 1;
        made = last ? made << 8 | bytes[i] : made << 7 | (bytes[i] & 0x7f);
        if (last || !(bytes[i] & 0x80)) {
            *value = made;
            return i + 1;
        }
    }
    return 0;
}

static bool read_at(int fd, void *out, size_t len, off_t offset)
{
    return fd >= 0 && pread(fd, out, len, offset) == (ssize_t)len;
}

/* --- Records --------------------------------------------------------------------------------- */

static int64_t signed_number(const unsigned char *bytes, size_t len)
{
    uint64_t value = bytes[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < len; i++)
        value = value << 8 | bytes[i];
    return (int64_t)value;
}

static const unsigned char int_bytes[] = {0, 1, 2, 3, 4, 6, 8};

/* Takes one value of a serial type from `body`; false when it doesn't fit. */
static bool read_value(uint64_t serial, const unsigned char *body, size_t left,
                       struct page_value *value, size_t *used)
{
    *value = (struct page_value){.type = PAGE_NULL};
    *used = 0;
    if (serial >= 12) {
        uint64_t len = (serial - 12) / 2;
        if (len > left)
            return false;
        value->type = serial % 2 ? PAGE_TEXT : PAGE_BLOB;
        value->bytes = (struct slice){(const char *)body, (size_t)len};
        *used = (size_t)len;
    } else if (serial == 7) {
        value->type = PAGE_REAL;
        *used = 8;
    } else if (serial >= 8) {
        value->type = PAGE_INT;
        value->number = (int64_t)serial - 8;
        return serial <= 9;
    } else if (serial > 0) {
        *used = int_bytes[serial];
        value->type = PAGE_INT;
        if (*used <= left)
            value->number = signed_number(body, *used);
    }
    return *used <= left;
}

static bool read_record(const unsigned char *bytes, size_t len, struct page_row *row)
{
    uint64_t header;
    size_t at = varint(bytes, len, &header);
    if (!at || header > len)
        return false;
    size_t body = (size_t)header;
    row->columns = 0;
    while (at < header) {
        uint64_t serial;
        size_t used = varint(bytes + at, (size_t)header - at, &serial);
        if (!used || row->columns == PAGE_COLUMNS_MAX)
            return false;
        at += used;
        if (!read_value(serial, bytes + body, len - body, &row->values[row->columns++], &used))
            return false;
        body += used;
    }
    return true;
}

/* --- Pages ----------------------------------------------------------------------------------- */

static bool read_page(const struct scan *scan, uint32_t number, unsigned char *out)
{
    if (number == 0)
        return false;
    if (scan->use_wal && number < scan->newest_count && scan->newest[number])
        return read_at(scan->wal, out, scan->page_size, scan->newest[number]);
    return read_at(scan->database, out, scan->page_size, (off_t)(number - 1) * scan->page_size);
}

/* How much of a payload stands in the leaf itself. */
static size_t local_bytes(size_t payload, size_t usable)
{
    size_t most = usable - 35;
    if (payload <= most)
        return payload;
    size_t least = (usable - 12) * 32 / 255 - 23;
    size_t wanted = least + (payload - least) % (usable - 4);
    return wanted <= most ? wanted : least;
}

static bool read_overflow(struct scan *scan, uint32_t next, size_t payload)
{
    while (scan->record.len < payload) {
        if (!read_page(scan, next, scan->overflow))
            return false;
        next = big_endian(scan->overflow, 4);
        size_t part = scan->page_size - 4;
        if (part > payload - scan->record.len)
            part = payload - scan->record.len;
        buf_append(&scan->record, scan->overflow + 4, part);
        if (scan->record.failed)
            return false;
    }
    return true;
}

/* Nothing is called damaged for want of memory: what is not seen would count as lost. */
static enum err unread(const struct scan *scan, struct fault *fault)
{
    return scan->record.failed ? fault_set(fault, ERR_NO_MEMORY, "salvage", "out of memory")
                               : ERR_OK;
}

static enum err scan_cell(struct scan *scan, size_t at, struct fault *fault)
{
    const unsigned char *cell = scan->page + at;
    size_t left = scan->page_size - at;
    uint64_t payload;
    uint64_t rowid;
    size_t used = varint(cell, left, &payload);
    size_t more = used ? varint(cell + used, left - used, &rowid) : 0;
    if (!more || payload > RECORD_MAX)
        return ERR_OK;
    used += more;
    size_t local = local_bytes((size_t)payload, scan->page_size);
    bool spilt = local < payload;
    if (used + local + (spilt ? 4 : 0) > left)
        return ERR_OK;
    buf_reset(&scan->record);
    buf_append(&scan->record, cell + used, local);
    if (spilt && !read_overflow(scan, big_endian(cell + used + local, 4), (size_t)payload))
        return unread(scan, fault);
    struct page_row row = {.rowid = (int64_t)rowid};
    if (scan->record.failed || !scan->record.len ||
        !read_record((const unsigned char *)scan->record.data, scan->record.len, &row))
        return unread(scan, fault);
    return scan->visit(scan->context, &row, fault);
}

static enum err scan_page(struct scan *scan, size_t header, struct fault *fault)
{
    const unsigned char *page = scan->page;
    if (page[header] != LEAF_TABLE)
        return ERR_OK;
    size_t cells = big_endian(page + header + 3, 2);
    enum err err = ERR_OK;
    for (size_t i = 0; i < cells && !err; i++) {
        size_t pointer = header + LEAF_HEADER + 2 * i;
        if (pointer + 2 > scan->page_size)
            break;
        size_t at = big_endian(page + pointer, 2);
        if (at > header + LEAF_HEADER && at < scan->page_size)
            err = scan_cell(scan, at, fault);
    }
    return err;
}

static off_t file_bytes(int fd)
{
    struct stat info;
    return fd >= 0 && fstat(fd, &info) == 0 ? info.st_size : 0;
}

static enum err scan_database(struct scan *scan, struct fault *fault)
{
    off_t bytes = file_bytes(scan->database);
    enum err err = ERR_OK;
    for (off_t at = 0; at + scan->page_size <= bytes && !err; at += scan->page_size)
        if (read_at(scan->database, scan->page, scan->page_size, at))
            err = scan_page(scan, at ? 0 : FILE_HEADER, fault);
    return err;
}

static off_t frame_page(const struct scan *scan, off_t frame)
{
    return WAL_HEADER + frame * (off_t)(FRAME_HEADER + scan->page_size) + FRAME_HEADER;
}

static off_t frames(const struct scan *scan)
{
    off_t bytes = file_bytes(scan->wal);
    return bytes > WAL_HEADER ? (bytes - WAL_HEADER) / (off_t)(FRAME_HEADER + scan->page_size) : 0;
}

static enum err scan_wal(struct scan *scan, struct fault *fault)
{
    enum err err = ERR_OK;
    off_t count = frames(scan);
    for (off_t i = 0; i < count && !err; i++) {
        off_t at = frame_page(scan, i);
        unsigned char number[4];
        if (read_at(scan->wal, number, sizeof number, at - FRAME_HEADER) &&
            read_at(scan->wal, scan->page, scan->page_size, at))
            err = scan_page(scan, big_endian(number, 4) == 1 ? FILE_HEADER : 0, fault);
    }
    return err;
}

/* --- The whole ------------------------------------------------------------------------------- */

static bool is_page_size(uint32_t size)
{
    return size >= PAGE_SIZE_MIN && size <= PAGE_SIZE_MAX && (size & (size - 1)) == 0;
}

/* What the file says, what its WAL says, what SQLite takes unasked. */
static uint32_t find_page_size(const struct scan *scan)
{
    unsigned char bytes[FILE_HEADER];
    if (read_at(scan->database, bytes, sizeof bytes, 0) &&
        memcmp(bytes, "SQLite format 3", 16) == 0) {
        uint32_t size = big_endian(bytes + 16, 2);
        size = size == 1 ? PAGE_SIZE_MAX : size;
        if (is_page_size(size))
            return size;
    }
    if (read_at(scan->wal, bytes, WAL_HEADER, 0) && is_page_size(big_endian(bytes + 8, 4)))
        return big_endian(bytes + 8, 4);
    return PAGE_SIZE_DEFAULT;
}

static enum err map_wal(struct scan *scan, struct fault *fault)
{
    off_t pages = file_bytes(scan->database) / scan->page_size + frames(scan) + 2;
    scan->newest = calloc((size_t)pages, sizeof *scan->newest);
    if (!scan->newest)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    scan->newest_count = (uint32_t)pages;
    off_t count = frames(scan);
    for (off_t i = 0; i < count; i++) {
        unsigned char number[4];
        off_t at = frame_page(scan, i);
        if (read_at(scan->wal, number, sizeof number, at - FRAME_HEADER) &&
            big_endian(number, 4) < scan->newest_count)
            scan->newest[big_endian(number, 4)] = at;
    }
    return ERR_OK;
}

static enum err scan_both(struct scan *scan, struct fault *fault)
{
    enum err err = scan_database(scan, fault);
    if (err || !frames(scan))
        return err;
    scan->use_wal = true;
    err = scan_database(scan, fault);
    return err ? err : scan_wal(scan, fault);
}

static enum err prepare(struct scan *scan, struct fault *fault)
{
    scan->page_size = find_page_size(scan);
    scan->page = malloc(scan->page_size);
    scan->overflow = malloc(scan->page_size);
    if (!scan->page || !scan->overflow)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    return map_wal(scan, fault);
}

static enum err open_file(const char *path, int *fd, struct fault *fault)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    return *fd >= 0 || errno == ENOENT ? ERR_OK : fault_errno(fault, errno, path, "open");
}

enum err page_scan(const char *database_path, const char *wal_path, page_visit *visit,
                   void *context, struct fault *fault)
{
    struct scan scan = {.database = -1, .wal = -1, .visit = visit, .context = context};
    buf_init(&scan.record, RECORD_MAX);
    enum err err = open_file(database_path, &scan.database, fault);
    if (!err)
        err = open_file(wal_path, &scan.wal, fault);
    if (!err)
        err = prepare(&scan, fault);
    if (!err)
        err = scan_both(&scan, fault);
    if (scan.database >= 0)
        (void)close(scan.database);
    if (scan.wal >= 0)
        (void)close(scan.wal);
    free(scan.newest);
    free(scan.page);
    free(scan.overflow);
    buf_free(&scan.record);
    return err;
}
