#include "sync/hub/connect/ledger_file.h"
#include "hal/base/sha256.h"
#include "hal/storage.h"
#include "sync/hub/connect/journal_text.h"
#include "sync/hub/ledger/period.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { KEY_BYTES = 16, ROOM_FIRST = 256, TEXT_MAX = 4 * 1024 * 1024 };

/* One transaction of the file, found by the head of its reference's hash. */
struct place {
    uint8_t key[KEY_BYTES];
    int64_t offset;
    int64_t number; /* from 1, as they stand in the file; 0: a free slot */
};

struct ledger_file {
    char *path;
    int fd;
    int64_t end;
    int64_t count;
    struct place *places; /* an open hash table; room is a power of two */
    size_t room;
    struct buf text; /* what is to be there */
    struct buf back; /* what is there */
};

/* --- The table ------------------------------------------------------------------------------- */

static void key_of(struct slice reference, uint8_t key[static KEY_BYTES])
{
    const struct sha256 hash = sha256_of(reference);
    memcpy(key, hash.bytes, KEY_BYTES);
}

static struct place *slot(struct place *places, size_t room, const uint8_t *key)
{
    size_t i;
    memcpy(&i, key, sizeof i);
    for (i &= room - 1; places[i].number; i = (i + 1) & (room - 1))
        if (memcmp(places[i].key, key, KEY_BYTES) == 0)
            break;
    return &places[i];
}

static enum err grow(struct ledger_file *file, struct fault *fault)
{
    size_t room = file->room ? 2 * file->room : ROOM_FIRST;
    struct place *places = calloc(room, sizeof *places);
    if (!places)
        return fault_set(fault, ERR_NO_MEMORY, file->path, "out of memory");
    for (size_t i = 0; i < file->room; i++)
        if (file->places[i].number)
            *slot(places, room, file->places[i].key) = file->places[i];
    free(file->places);
    file->places = places;
    file->room = room;
    return ERR_OK;
}

static enum err remember(struct ledger_file *file, struct slice reference, int64_t offset,
                         struct fault *fault)
{
    enum err err = ERR_OK;
    struct place place = {.offset = offset, .number = file->count + 1};
    key_of(reference, place.key);
    if (2 * (size_t)place.number > file->room)
        err = grow(file, fault);
    if (err)
        return err;
    *slot(file->places, file->room, place.key) = place;
    file->count++;
    return ERR_OK;
}

static const struct place *find(const struct ledger_file *file, const char *reference)
{
    uint8_t key[KEY_BYTES];
    if (!file->room)
        return NULL;
    key_of(slice_of(reference), key);
    const struct place *place = slot(file->places, file->room, key);
    return place->number ? place : NULL;
}

/* --- Reading the file ------------------------------------------------------------------------ */

/* The reference of a transaction's first line, "2026-11-22 * (reference) text"; empty if none. */
static struct slice reference_in(const char *line)
{
    const char *open = *line >= '0' && *line <= '9' ? strchr(line, '(') : NULL;
    const char *end = open ? strchr(open, ')') : NULL;
    return end ? (struct slice){open + 1, (size_t)(end - open - 1)} : (struct slice){"", 0};
}

static enum err cut_at(struct ledger_file *file, int64_t end, struct fault *fault)
{
    if (ftruncate(file->fd, (off_t)end) != 0 || fsync(file->fd) != 0)
        return fault_errno(fault, errno, file->path, "cut off what a crash left");
    file->end = end;
    return ERR_OK;
}

/* Remembers each whole transaction; the last one may have been cut off. */
static enum err read_lines(struct ledger_file *file, FILE *in, struct fault *fault)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int64_t begin = -1; /* of the transaction at hand */
    char *reference = NULL;
    enum err err = ERR_OK;
    while (!err && (len = getline(&line, &room, in)) > 0) {
        struct slice found = reference_in(line);
        bool torn = line[len - 1] != '\n' && *line >= '0' && *line <= '9';
        if ((found.len || torn) && !reference) {
            begin = file->end;
            reference = strndup(found.data, found.len);
            err = reference ? ERR_OK : fault_set(fault, ERR_NO_MEMORY, file->path, "out of memory");
        }
        file->end += len;
        if (!err && begin >= 0 && *line == '\n') {
            err = remember(file, slice_of(reference), begin, fault);
            free(reference);
            reference = NULL;
            begin = -1;
        }
    }
    free(line);
    free(reference);
    if (!err && ferror(in))
        err = fault_errno(fault, errno, file->path, "read");
    return !err && begin >= 0 ? cut_at(file, begin, fault) : err;
}

static enum err read_file(struct ledger_file *file, struct fault *fault)
{
    FILE *in = fopen(file->path, "re");
    if (!in)
        return fault_errno(fault, errno, file->path, "open");
    enum err err = read_lines(file, in, fault);
    (void)fclose(in);
    return err;
}

/* --- Posting --------------------------------------------------------------------------------- */

static enum err read_back(struct ledger_file *file, int64_t offset, struct fault *fault)
{
    size_t wanted = file->text.len;
    char piece[4096];
    buf_reset(&file->back);
    while (file->back.len < wanted) {
        size_t rest = wanted - file->back.len;
        ssize_t got = pread(file->fd, piece, rest < sizeof piece ? rest : sizeof piece,
                            (off_t)offset + (off_t)file->back.len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fault_errno(fault, errno, file->path, "read back");
        if (got == 0)
            break;
        buf_append(&file->back, piece, (size_t)got);
    }
    return buf_check(&file->back, fault, file->path);
}

static enum err write_whole(struct ledger_file *file, struct fault *fault)
{
    size_t done = 0;
    while (done < file->text.len) {
        ssize_t wrote = pwrite(file->fd, file->text.data + done, file->text.len - done,
                               (off_t)file->end + (off_t)done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return fault_errno(fault, errno, file->path, "write");
        done += (size_t)wrote;
    }
    return fsync(file->fd) == 0 ? ERR_OK : fault_errno(fault, errno, file->path, "sync");
}

static enum err append(struct ledger_file *file, const struct entry *entry, struct fault *fault)
{
    int64_t begin = file->end;
    enum err err = write_whole(file, fault);
    if (!err)
        err = read_back(file, begin, fault);
    if (!err && !slice_equal(buf_slice(&file->back), buf_slice(&file->text)))
        err = fault_set(fault, ERR_IO, file->path, "what was written reads back otherwise");
    if (!err)
        err = remember(file, slice_of(entry->reference), begin, fault);
    if (err) {
        struct fault ignored;
        (void)cut_at(file, begin, &ignored);
        return err;
    }
    file->end = begin + (int64_t)file->text.len;
    return ERR_OK;
}

/* The text behind the day, which may be another than when it was posted. */
static struct slice behind_day(const struct buf *text)
{
    size_t skip = text->len < DAY_TEXT ? text->len : DAY_TEXT;
    return (struct slice){text->data ? text->data + skip : "", text->len - skip};
}

static enum err check_known(struct ledger_file *file, const struct place *place, int64_t *day,
                            struct fault *fault)
{
    char text[DAY_TEXT + 1] = "";
    enum err err = read_back(file, place->offset, fault);
    if (err)
        return err;
    if (!slice_equal(behind_day(&file->back), behind_day(&file->text)))
        return fault_set(fault, ERR_CONFLICT, "reference",
                         "the file has another transaction under it, number %" PRId64,
                         place->number);
    memcpy(text, file->back.data, DAY_TEXT);
    return day_parse(text, day) == ERR_OK
               ? ERR_OK
               : fault_set(fault, ERR_CONFLICT, "reference", "the file has no day for it");
}

static enum err post(void *self, const struct post_order *order, struct posted *posted,
                     struct fault *fault)
{
    struct ledger_file *file = self;
    const struct entry *entry = order->entry;
    const struct journal_status status = {"posted", ""};
    struct posted made = {.day = order->day};
    buf_reset(&file->text);
    journal_text_ledger(&file->text, entry, order->day, &status);
    enum err err = buf_check(&file->text, fault, "entry");
    if (err)
        return err;
    const struct place *place = find(file, entry->reference);
    err = place ? check_known(file, place, &made.day, fault) : append(file, entry, fault);
    if (err)
        return err;
    (void)snprintf(made.number, sizeof made.number, "L-%" PRId64,
                   find(file, entry->reference)->number);
    *posted = made;
    return ERR_OK;
}

static void close_file(void *self)
{
    struct ledger_file *file = self;
    if (!file)
        return;
    if (file->fd >= 0)
        (void)close(file->fd);
    buf_free(&file->text);
    buf_free(&file->back);
    free(file->places);
    free(file->path);
    free(file);
}

static const struct connector_ops ops = {.name = "ledger-file", .post = post, .close = close_file};

/* A file just made must not lose its name with the power. */
static enum err sync_folder_of(const char *path, struct fault *fault)
{
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    return storage_sync_folder(slash ? folder : ".", fault);
}

static enum err open_locked(struct ledger_file *file, struct fault *fault)
{
    file->fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file->fd < 0)
        return fault_errno(fault, errno, file->path, "open");
    if (flock(file->fd, LOCK_EX | LOCK_NB) != 0)
        return fault_set(fault, ERR_LOCKED, file->path, "another process posts into it");
    enum err err = sync_folder_of(file->path, fault);
    return err ? err : read_file(file, fault);
}

enum err ledger_file_open(const char *path, struct connector *connector, struct fault *fault)
{
    struct ledger_file *file = calloc(1, sizeof *file);
    if (!file)
        return fault_set(fault, ERR_NO_MEMORY, path, "out of memory");
    file->fd = -1;
    buf_init(&file->text, TEXT_MAX);
    buf_init(&file->back, TEXT_MAX);
    file->path = strdup(path);
    enum err err = file->path ? open_locked(file, fault)
                              : fault_set(fault, ERR_NO_MEMORY, path, "out of memory");
    if (err) {
        close_file(file);
        return err;
    }
    *connector = (struct connector){.ops = &ops, .self = file};
    return ERR_OK;
}
