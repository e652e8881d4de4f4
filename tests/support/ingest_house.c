#include "tests/support/ingest_house.h"
#include "tests/support/hub_database.h"
#include "tests/support/take_batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void ingest_house_open(struct ingest_house *f)
{
    char path[SCRATCH_PATH_MAX];
    struct fault fault = {0};
    const struct hubdb_config config = {
        .path = hub_database_path(&f->scratch, path),
        .folder = f->scratch.path,
        .now_ms = INT64_C(1795000000000),
    };
    if (hubdb_open(&f->hub, &config, &fault) != ERR_OK)
        fail_msg("%s: %s", fault.where, fault.text);
    f->db = hubdb_database(f->hub);
    f->rules.hub_epoch = hubdb_epoch(f->hub);
}

int ingest_house_setup(void **state)
{
    struct ingest_house *f = calloc(1, sizeof *f);
    scratch_make(&f->scratch);
    ingest_house_open(f);
    *state = f;
    return 0;
}

int ingest_house_teardown(void **state)
{
    struct ingest_house *f = *state;
    hubdb_close(f->hub);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

enum ingest_verdict ingest_house_give(struct ingest_house *f, const struct sent_log *log,
                                      const char *device, int64_t first, int64_t last)
{
    struct fault fault = {0};
    const struct ingest_batch batch = sent_log_batch(log, device, first, last);
    enum err err = database_begin(f->db, &fault);
    if (!err)
        err = take_batch(f->db, &f->rules, &batch, &f->result, &fault);
    if (!err)
        err = database_commit(f->db, &fault);
    if (err)
        fail_msg("%s: %s", fault.where, fault.text);
    return f->result.verdict;
}

int64_t ingest_house_number(struct ingest_house *f, const char *sql)
{
    struct statement *s;
    assert_int_equal(database_prepare(f->db, sql, &s, NULL), ERR_OK);
    bool row;
    assert_int_equal(statement_step(s, &row, NULL), ERR_OK);
    assert_true(row);
    int64_t number = column_int(s, 0);
    statement_close(s);
    return number;
}

int64_t ingest_house_exceptions(struct ingest_house *f, const char *code)
{
    char sql[160];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM hub_exception WHERE code = '%s'", code);
    return ingest_house_number(f, sql);
}
