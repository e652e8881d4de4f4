#include "sync/hub/journal_command.h"
#include "sync/hub/books_file.h"
#include "sync/hub/connect/export.h"
#include "sync/hub/ingest/rebuild.h"

#include <errno.h>
#include <stdio.h>

static enum err rebuild_in(struct database *db, const struct books *books, struct rebuilt *rebuilt,
                           struct fault *fault)
{
    enum err err = database_begin(db, fault);
    if (!err)
        err = rebuild_ledger(db, books, rebuilt, fault);
    if (!err)
        err = database_commit(db, fault);
    database_rollback(db);
    return err;
}

enum err journal_rebuild(const struct hubdb_config *config, const struct settings *settings,
                         struct fault *fault)
{
    struct rebuilt rebuilt = {0};
    struct hubdb *hub = NULL;
    struct books books = {0};
    enum err err = books_file_read(settings, &books, fault);
    if (!err)
        err = hubdb_open_resting(&hub, config, false, fault);
    if (!err)
        err = rebuild_in(hubdb_database(hub), &books, &rebuilt, fault);
    hubdb_close(hub);
    books_close(&books);
    if (!err)
        (void)printf("%lld events, %lld entries, %lld came out otherwise\n",
                     (long long)rebuilt.events, (long long)rebuilt.entries,
                     (long long)rebuilt.differing);
    return err;
}

static enum err print(void *context, struct slice text, struct fault *fault)
{
    (void)context;
    return text.len == 0 || fwrite(text.data, text.len, 1, stdout) == 1
               ? ERR_OK
               : fault_errno(fault, errno, "standard output", "write");
}

enum err journal_export(const struct hubdb_config *config, const char *format, struct fault *fault)
{
    struct hubdb *hub = NULL;
    enum export_format as;
    enum err err = export_format_find(format, &as, fault);
    if (!err)
        err = hubdb_open_beside(&hub, config, true, fault);
    if (!err)
        err = export_journal(hubdb_database(hub), as, 0, INT64_MAX, print, NULL, fault);
    hubdb_close(hub);
    if (!err && fflush(stdout) != 0)
        return fault_errno(fault, errno, "standard output", "write");
    return err;
}
