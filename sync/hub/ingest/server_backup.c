#include "sync/hub/ingest/server_backup.h"
#include "hal/base/cleanup.h"
#include "sync/hub/ingest/backup.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <errno.h>
#include <libpq-fe.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SNAPSHOT_MAX = 64, VARIABLES_MAX = 64, WORDS_MAX = 12 };

/* --- The server's tools ---------------------------------------------------------------------- */

/* Where the tools find the database: in the environment, where no other user reads a password. */
struct surroundings {
    char *variables[VARIABLES_MAX + 1];
    size_t count;
};

static void surroundings_cleanup(struct surroundings *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->variables[i]);
}

static void add(struct surroundings *s, const char *name, const char *value)
{
    char *text = NULL;
    if (s->count < VARIABLES_MAX && asprintf(&text, "%s=%s", name, value) >= 0)
        s->variables[s->count++] = text;
}

static enum err surroundings_fill(struct surroundings *s, const char *uri, struct fault *fault)
{
    PQconninfoOption *options = PQconninfoParse(uri, NULL);
    if (!options)
        return fault_set(fault, ERR_INVALID, "--db", "is not a connection URI");
    const char *path = getenv("PATH");
    add(s, "PATH", path ? path : "/usr/bin:/bin");
    for (const PQconninfoOption *option = options; option->keyword; option++)
        if (option->val && option->envvar)
            add(s, option->envvar, option->val);
    PQconninfoFree(options);
    return ERR_OK;
}

/* What the tool says on standard error is for whoever gave the command. */
static enum err run_tool(const char *uri, const char *const *words, struct fault *fault)
{
    char *arguments[WORDS_MAX] = {NULL};
    struct surroundings around CLEANUP(surroundings_cleanup) = {.count = 0};
    pid_t pid;
    int status = 0;
    enum err err = surroundings_fill(&around, uri, fault);
    if (err)
        return err;
    for (size_t i = 0; words[i] && i + 1 < WORDS_MAX; i++)
        memcpy(&arguments[i], &words[i], sizeof arguments[i]); /* they are only read */
    int error = posix_spawnp(&pid, words[0], NULL, NULL, arguments, around.variables);
    if (error)
        return fault_errno(fault, error, words[0], "start");
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return fault_errno(fault, errno, words[0], "wait for");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return ERR_OK;
    return fault_set(fault, ERR_IO, words[0], "failed, as it says above");
}

/* --- Making ---------------------------------------------------------------------------------- */

static enum err read_text(struct database *db, const char *sql, char *out, size_t size,
                          struct fault *fault)
{
    struct statement *s = NULL;
    bool row;
    enum err err = database_prepare(db, sql, &s, fault);
    if (!err)
        err = statement_step(s, &row, fault);
    if (!err)
        (void)snprintf(out, size, "%s", row && column_text(s, 0) ? column_text(s, 0) : "");
    statement_close(s);
    return err;
}

static enum err dump(const struct hubdb_config *config, struct database *still, const char *part,
                     struct fault *fault)
{
    char snapshot[SNAPSHOT_MAX];
    char schema[SNAPSHOT_MAX];
    char with_snapshot[SNAPSHOT_MAX + 16];
    char with_schema[SNAPSHOT_MAX + 16];
    char with_file[PATH_MAX + 16];
    enum err err =
        read_text(still, "SELECT pg_export_snapshot()", snapshot, sizeof snapshot, fault);
    if (!err)
        err =
            read_text(still, "SELECT quote_ident(current_schema())", schema, sizeof schema, fault);
    if (err)
        return err;
    (void)snprintf(with_snapshot, sizeof with_snapshot, "--snapshot=%s", snapshot);
    (void)snprintf(with_schema, sizeof with_schema, "--schema=%s", schema);
    (void)snprintf(with_file, sizeof with_file, "--file=%s", part);
    const char *const words[] = {"pg_dump",   "--format=custom", "--no-owner", with_snapshot,
                                 with_schema, with_file,         NULL};
    return run_tool(config->path, words, fault);
}

static enum err make(const struct hubdb_config *config, struct hubdb *hub, struct database *still,
                     const char *path, struct fault *fault)
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part)
        return fault_set(fault, ERR_TOO_LARGE, path, "the path is too long");
    enum err err = dump(config, still, part, fault);
    if (!err)
        err = hubdb_next_generation(hub, fault);
    if (!err)
        err = backup_put_in_place(part, path, fault);
    return err ? err : backup_allow(hubdb_database(hub), still, fault);
}

enum err server_backup_make(const struct hubdb_config *config, const char *path,
                            struct fault *fault)
{
    struct hubdb *hub = NULL;
    struct hubdb *still = NULL;
    enum err err = hubdb_open_beside(&hub, config, false, fault);
    if (!err)
        err = hubdb_open_beside(&still, config, true, fault);
    if (!err)
        err = database_begin(hubdb_database(still), fault);
    if (!err)
        err = make(config, hub, hubdb_database(still), path, fault);
    hubdb_close(still);
    hubdb_close(hub);
    return err;
}

/* --- Restoring ------------------------------------------------------------------------------- */

enum err server_backup_restore(const struct hubdb_config *config, const char *path,
                               struct fault *fault)
{
    char file[PATH_MAX];
    const char *const words[] = {
        "pg_restore", "--clean", "--if-exists", "--single-transaction", "--no-owner", "--dbname",
        "",           file,      NULL};
    (void)snprintf(file, sizeof file, "%s", path);
    enum err err = run_tool(config->path, words, fault);
    return err ? err : hubdb_forget_place(config, fault);
}
