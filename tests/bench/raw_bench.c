/*
 * What raw SQLite does with the events of a log, and with the rows of its returns, one and more in
 * a transaction, and what one fdatasync takes on the same disk. Prints a line of JSON.
 *
 *   raw_bench STATE_DIRECTORY
 */
#include "tests/bench/raw.h"
#include "tests/support/scratch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SYNCS = 2000, SINGLE_MAX = 5000 };

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Overwriting 4 KiB of a file that is there, each made durable. */
static void measure_syncs(const char *path)
{
    static double took_ms[SYNCS];
    static char page[4096];
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    if (fd < 0 || write(fd, page, sizeof page) != sizeof page || fsync(fd) != 0)
        exit(1);
    for (int i = 0; i < SYNCS; i++) {
        double start = raw_seconds();
        page[0] = (char)i;
        if (pwrite(fd, page, sizeof page, 0) != sizeof page || fdatasync(fd) != 0)
            exit(1);
        took_ms[i] = (raw_seconds() - start) * 1000;
    }
    (void)close(fd);
    qsort(took_ms, SYNCS, sizeof *took_ms, by_size);
    (void)printf("\"fdatasync_p50_ms\":%.3f,\"fdatasync_p99_ms\":%.3f", took_ms[SYNCS / 2],
                 took_ms[SYNCS * 99 / 100]);
}

/* How many a second, by how many in a transaction. */
static void measure_writes(const struct scratch *scratch, const char *log_path, enum raw_kind kind)
{
    static const int batches[] = {1, 8, 64, 512, 4096};
    struct raw_saves *saves = raw_read(log_path, kind);
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        int64_t count = raw_count(saves);
        char name[32];
        char path[SCRATCH_PATH_MAX];
        if (batches[i] == 1 && count > SINGLE_MAX)
            count = SINGLE_MAX;
        (void)snprintf(name, sizeof name, "raw-%d-%d.db", (int)kind, batches[i]);
        double took = raw_write(saves, scratch_path(scratch, name, path), count, batches[i]);
        (void)printf("%s\"%d\":%.0f", i ? "," : "", batches[i], (double)count / took);
    }
    raw_free(saves);
}

int main(int argc, char **argv)
{
    char log_path[SCRATCH_PATH_MAX];
    char path[SCRATCH_PATH_MAX];
    struct scratch scratch;
    if (argc != 2)
        return 2;
    (void)snprintf(log_path, sizeof log_path, "%.400s/tillback.db", argv[1]);
    scratch_make(&scratch);
    (void)printf("{\"events\":{");
    measure_writes(&scratch, log_path, RAW_EVENTS);
    (void)printf("},\"returns\":{");
    measure_writes(&scratch, log_path, RAW_RETURNS);
    (void)printf("},");
    measure_syncs(scratch_path(&scratch, "sync", path));
    (void)printf("}\n");
    scratch_remove(&scratch);
    return 0;
}
