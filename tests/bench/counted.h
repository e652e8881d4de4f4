/*
 * A VFS over SQLite's own that counts what the disk gets: each block of 4 KiB that was written to
 * since its file was last synced, once. The kernel's own count, write_bytes in /proc/self/io, is
 * not of blocks but of whole folios, which are larger for who writes much at once.
 *
 * What is only mapped into memory, as the -shm file, is not counted. Any thread.
 */
#ifndef TESTS_BENCH_COUNTED_H
#define TESTS_BENCH_COUNTED_H

#include <stdint.h>

/* Its name; it is registered at the first call. */
const char *counted_vfs(void);
/* Bytes so far, of all files. */
int64_t counted_bytes(void);

#endif
