/*
 * The hub's database: opened, brought to this version's schema, and asked whether it went back in
 * time.
 *
 * The epoch is the number under which appliances judge acknowledgements; it must grow whenever the
 * database is older than what the hub once answered. To find that out, a generation is kept in the
 * database and beside it in the file `epoch` of the state directory, and grows at each start and
 * after each backup. So every copy of the database is behind the file as soon as the hub has gone
 * on without it. A database behind its file, or without one, gets a new epoch; epochs begin at, and
 * never fall below, the time of day in seconds, so that a lost file can't make one be used twice.
 *
 * A database on a server may have several hubs, each with a state directory of its own, and a hub
 * that is new there has no file. There the server tells a database from its copies besides
 * (database_place). All hubs stand still while a server's database is restored. But a standby takes
 * over under hubs that go on, and may not have been told what came last: whose connection was made
 * anew finds out with hubdb_begin, and opens the database again.
 *
 * A handle belongs to one thread at a time. Calls block on the disk.
 */
#ifndef SYNC_HUB_INGEST_HUBDB_H
#define SYNC_HUB_INGEST_HUBDB_H

#include "hal/database.h"

struct hubdb;

struct hubdb_config {
    const char *path;   /* of the database file; or "postgresql://...", libpq's connection URI */
    const char *folder; /* state directory; holds `epoch` */
    const char *vfs;    /* NULL, or a test's */
    int64_t now_ms;
};

/* Whether such a path means a server's database, and no file. */
bool hubdb_is_server(const char *path);
/* For the hub's start: creates, migrates, judges the epoch, begins a new generation. */
enum err hubdb_open(struct hubdb **hub, const struct hubdb_config *config,
                    struct fault *fault) MUST_CHECK;
/*
 * For a command before a hub runs: brings the database to this version, and with `may_make` makes
 * one where there is none. The epoch of one that is there is left to the hub's start to judge: the
 * command may have been given another state directory than the hub that runs on the database.
 */
enum err hubdb_open_resting(struct hubdb **hub, const struct hubdb_config *config, bool may_make,
                            struct fault *fault) MUST_CHECK;
/*
 * A further handle on the same file, as it is: for readers and for tools beside a running hub.
 * Nothing is made: ERR_NOT_FOUND where there is no hub's database, ERR_REFUSED for one of an
 * earlier version, ERR_NEWER_SCHEMA for one of a later.
 */
enum err hubdb_open_beside(struct hubdb **hub, const struct hubdb_config *config, bool read_only,
                           struct fault *fault) MUST_CHECK;
void hubdb_close(struct hubdb *hub); /* takes NULL */

struct database *hubdb_database(struct hubdb *hub);
/*
 * Whether it is still the database that was opened, and of the same epoch; a connection that was
 * lost is made anew. ERR_FORKED as for hubdb_begin. SQLite's always is. Outside a transaction.
 */
enum err hubdb_check(struct hubdb *hub, struct fault *fault) MUST_CHECK;
/*
 * database_begin. ERR_FORKED: the connection was made anew, and leads to another database than the
 * one that was opened, to an earlier state of it, or to one of another epoch. Nothing may be
 * answered any more of what is there: it is to be closed, and opened anew.
 */
enum err hubdb_begin(struct hubdb *hub, struct fault *fault) MUST_CHECK;
bool hubdb_on_server(const struct hubdb *hub);
/* As of the opening. */
int64_t hubdb_epoch(const struct hubdb *hub);
/*
 * The name of the group in which the hubs on this database share what comes from the broker:
 * random, made by the first of them, and to be told to nobody. EPOCH_MARK_GROUP_MAX characters.
 */
const char *hubdb_group(const struct hubdb *hub);
/* True if this opening found that the database had been restored, or had lost what came last. */
bool hubdb_restored(const struct hubdb *hub);

/*
 * A number that changes when another process has changed what this hub should look at: a backup, or
 * a person's decision. 0 when it can't be read, or on a connection that hubdb_check hasn't seen.
 */
int64_t hubdb_news(struct hubdb *hub);

/* A backup as it is, maybe of an earlier version; its epoch is nobody's. */
enum err hubdb_open_copy(struct hubdb **hub, const struct hubdb_config *config,
                         struct fault *fault) MUST_CHECK;
/* The next start takes the database for a restored one. */
enum err hubdb_forget_place(const struct hubdb_config *config, struct fault *fault) MUST_CHECK;

/* Begins another generation: what a backup does once its copy is in place. */
enum err hubdb_next_generation(struct hubdb *hub, struct fault *fault) MUST_CHECK;

#endif
