#include "sync/hub/ingest/schema_pages.h"
#include "hal/base/cleanup.h"
#include "hal/base/sha256.h"
#include "hal/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Kept as: each page behind its number (4 bytes, the highest first), and a SHA-256 over all.
 * The rest is https://www.sqlite.org/fileformat.html, 1.3: what changes in the first page.
 */
enum {
    PAGE = DATABASE_PAGE_BYTES,
    NUMBER = 4,
    ENTRY = NUMBER + PAGE,
    PAGES_MAX = 256,
    KEPT_MAX = PAGES_MAX * ENTRY + SHA256_BYTES,
    COUNTER = 24,
    SIZE = 28, /* of the file, in pages */
    AFTER_FREE_LIST = 40,
    VERSION = 92,
    AFTER_VERSION = 100,
};

static const char kept_name[] = "schema-pages";
static const char damaged_name[] = "schema-pages-damaged";

static void put_number(char *bytes, int64_t number)
{
    for (int i = 0; i < NUMBER; i++)
        bytes[i] = (char)(number >> (24 - 8 * i));
}

static int64_t get_number(const char *bytes)
{
    int64_t number = 0;
    for (int i = 0; i < NUMBER; i++)
        number = number << 8 | (uint8_t)bytes[i];
    return number;
}

static void append(struct buf *out, int64_t number, const char *page)
{
    char bytes[NUMBER];
    put_number(bytes, number);
    buf_append(out, bytes, NUMBER);
    buf_append(out, page, PAGE);
}

static enum err store(const struct hubdb_config *config, const char *name, struct buf *pages,
                      struct fault *fault)
{
    char path[PATH_MAX];
    struct sha256 hash = sha256_of(buf_slice(pages));
    buf_append(pages, (const char *)hash.bytes, SHA256_BYTES);
    if (pages->failed)
        return fault_set(fault, ERR_NO_MEMORY, name, "out of memory");
    if (storage_path(path, sizeof path, config->folder, name))
        return fault_set(fault, ERR_TOO_LARGE, config->folder, "the path is too long");
    return storage_replace(path, buf_slice(pages), 0600, fault);
}

/* --- Keeping --------------------------------------------------------------------------------- */

static enum err collect(struct database *db, struct buf *pages, struct fault *fault)
{
    static const char sql[] = "SELECT pageno FROM dbstat WHERE name = 'sqlite_schema'";
    struct statement *s;
    bool there = true;
    enum err err = database_prepare(db, sql, &s, fault);
    if (err)
        return err;
    while (!err && there) {
        char page[PAGE];
        err = statement_step(s, &there, fault);
        if (!err && there && !database_read_page(db, column_int(s, 0), page))
            err = fault_set(fault, ERR_IO, "database", "a page can't be read");
        else if (!err && there)
            append(pages, column_int(s, 0), page);
    }
    statement_close(s);
    return err;
}

void schema_pages_keep(struct database *db, const struct hubdb_config *config)
{
    struct buf pages CLEANUP(buf_free);
    struct fault fault;
    buf_init(&pages, KEPT_MAX);
    if (hubdb_is_server(config->path) || database_checkpoint(db) != 0)
        return; /* they are not in the file, where a reader is in the way */
    enum err err = collect(db, &pages, &fault);
    if (!err)
        err = store(config, kept_name, &pages, &fault);
    (void)err; /* those from before are there still */
}

/* --- Mending --------------------------------------------------------------------------------- */

static enum err read_kept(const struct hubdb_config *config, struct buf *pages, size_t *count,
                          struct fault *fault)
{
    char path[PATH_MAX];
    if (storage_path(path, sizeof path, config->folder, kept_name))
        return fault_set(fault, ERR_TOO_LARGE, config->folder, "the path is too long");
    *count = 0;
    if (access(path, F_OK) != 0)
        return ERR_OK;
    enum err err = storage_read(path, pages, fault);
    if (err || pages->len % ENTRY != SHA256_BYTES)
        return err;
    pages->len -= SHA256_BYTES;
    struct sha256 hash = sha256_of(buf_slice(pages));
    if (memcmp(hash.bytes, pages->data + pages->len, SHA256_BYTES) == 0)
        *count = pages->len / ENTRY;
    return ERR_OK;
}

/* `now` is in a file of that many pages. */
static bool is_same(int64_t number, const char *a, const char *now, int64_t pages)
{
    if (number > 1)
        return memcmp(a, now, PAGE) == 0;
    return get_number(now + SIZE) == pages && memcmp(a, now, COUNTER) == 0 &&
           memcmp(a + AFTER_FREE_LIST, now + AFTER_FREE_LIST, VERSION - AFTER_FREE_LIST) == 0 &&
           memcmp(a + AFTER_VERSION, now + AFTER_VERSION, PAGE - AFTER_VERSION) == 0;
}

/* The pages that are not as they were kept: into `damaged` as they are, or from `kept` as they
 * were. */
static enum err exchange(int fd, struct buf *kept, struct buf *damaged, bool writes,
                         struct fault *fault)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return fault_errno(fault, errno, "", "reading");
    const int64_t pages = info.st_size / PAGE;
    for (size_t at = 0; at < kept->len; at += ENTRY) {
        char now[PAGE] = {0};
        int64_t number = get_number(kept->data + at);
        char *page = kept->data + at + NUMBER;
        off_t place = (off_t)(number - 1) * PAGE;
        if (pread(fd, now, PAGE, place) < 0)
            return fault_errno(fault, errno, "", "reading");
        if (is_same(number, page, now, pages))
            continue;
        if (!writes)
            append(damaged, number, now);
        if (number == 1)
            put_number(page + SIZE, pages);
        if (writes && pwrite(fd, page, PAGE, place) != PAGE)
            return fault_errno(fault, errno, "", "writing");
    }
    return ERR_OK;
}

static enum err mend(const struct hubdb_config *config, int fd, struct buf *kept, size_t count,
                     struct fault *fault)
{
    struct buf damaged CLEANUP(buf_free);
    buf_init(&damaged, KEPT_MAX);
    enum err err = exchange(fd, kept, &damaged, false, fault);
    if (err || !damaged.len || damaged.len / ENTRY > count / 2)
        return err;
    err = store(config, damaged_name, &damaged, fault);
    if (!err)
        err = exchange(fd, kept, &damaged, true, fault);
    if (!err && fsync(fd) != 0)
        err = fault_errno(fault, errno, config->path, "writing");
    return err;
}

enum err schema_pages_mend(const struct hubdb_config *config, struct fault *fault)
{
    struct buf kept CLEANUP(buf_free);
    size_t count;
    buf_init(&kept, KEPT_MAX);
    enum err err = read_kept(config, &kept, &count, fault);
    if (err || !count)
        return err;
    int fd = open(config->path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return fault_errno(fault, errno, config->path, "opening");
    err = mend(config, fd, &kept, count, fault);
    (void)close(fd);
    return err;
}
