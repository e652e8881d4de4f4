/*
 * A fake disk for tests, as to its names: files and folders made, renamed and removed by our own
 * code (SQLite's are vfs_fault's) last once their folder is synced, and what a file holds once the
 * file is. At a chosen call the power goes; afterwards each change that wasn't synced has lasted or
 * not, independently of the others, and a file that wasn't may be empty. A rename happens whole or
 * not at all, as on a file system with a journal.
 *
 * The linker puts torture.c's functions in the place of libc's, and they call these. One watched
 * folder at a time; any thread.
 */
#ifndef TESTS_SUPPORT_NAMES_H
#define TESTS_SUPPORT_NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * From now on, below `folder`. At the nth change of a name or sync (1: the next) the power goes: it
 * does nothing, and it and all after it fail. `attic` is a folder beside, on the same file system,
 * for what was overwritten or removed.
 */
void names_watch(const char *folder, const char *attic, int nth);
/* A disk that only says that it syncs folders: to show that names can be lost. */
void names_lie(bool lying);
bool names_struck(void);
/* Leaves what the disk might show after the power went, by `seed`, and watches no more. */
void names_power_on(uint64_t seed);

/* What the torture's functions do in libc's place. */
int names_rename(const char *from, const char *to);
int names_unlink(const char *path);
int names_mkdir(const char *path, mode_t mode);
int names_open(const char *path, int flags, mode_t mode);
int names_fsync(int fd);

#endif
