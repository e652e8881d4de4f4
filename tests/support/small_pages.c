#include "tests/support/small_pages.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

void small_pages_make(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char name[SCRATCH_PATH_MAX];
    sqlite3 *db = NULL;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "PRAGMA page_size=512; PRAGMA auto_vacuum=INCREMENTAL;"
                                  "CREATE TABLE t (a); DROP TABLE t",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}
