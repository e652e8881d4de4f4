#include "tests/support/hub_database.h"
#include "hal/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *server(void)
{
    return getenv("TILLBACK_POSTGRESQL");
}

bool hub_database_on_server(void)
{
    return server() != NULL;
}

const char *hub_database_path(const struct scratch *scratch, char path[static SCRATCH_PATH_MAX])
{
    if (!server())
        return scratch_path(scratch, "hub.db", path);
    const char *base = strrchr(scratch->path, '/') + 1; /* no other has this name */
    const struct database_config config = {.path = server(), .backend = &database_postgresql};
    struct database *db = NULL;
    struct fault fault = {0};
    char sql[SCRATCH_PATH_MAX];
    (void)snprintf(sql, sizeof sql, "CREATE SCHEMA IF NOT EXISTS \"%s\"", base);
    enum err err = database_open(&db, &config, &fault);
    if (!err)
        err = database_script(db, sql, &fault);
    database_close(db);
    if (err)
        fail_msg("%s: %s", base, fault.text);
    (void)snprintf(path, SCRATCH_PATH_MAX, "%s&options=-csearch_path%%3D\"%s\"", server(), base);
    return path;
}
