/*
 * A VFS between SQLite and the one beneath it, which writes what a commit adds to the write-ahead
 * log in few system calls: SQLite writes the header and the page of each frame apart, two calls a
 * page.
 *
 * What follows one another is kept back and written when the log is synced, read there, cut, asked
 * for its size or closed, and before others may see it: at the barrier before a commit is told to
 * other connections, and before the writer's lock is given up. For synchronous=FULL, where a commit
 * is synced before it is told: a write that fails is the sync's failure then. All other files
 * are the lower VFS's own.
 *
 * Any thread; each file belongs to its connection's.
 */
#ifndef HAL_WAL_JOIN_H
#define HAL_WAL_JOIN_H

/*
 * The name under which SQLite opens with it over the VFS of that name; `vfs` NULL: over SQLite's
 * own. NULL when there is no such VFS, or no memory. It stays registered.
 */
const char *wal_join_vfs(const char *vfs);

#endif
