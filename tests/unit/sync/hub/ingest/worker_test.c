#include "sync/hub/ingest/worker.h"
#include "tests/support/await.h"
#include "tests/support/hub_database.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { PIECES = 4, QUEUE_BYTES = 1000 };

struct fixture;

struct piece {
    struct work work;
    struct fixture *fixture;
    int place; /* in the order in which they were run, from 1 */
    bool done;
    bool again; /* submitted once more when it is done */
};

struct fixture {
    struct scratch scratch;
    char path[SCRATCH_PATH_MAX];
    struct loop *loop;
    struct hubdb *hub;
    struct worker *worker;
    struct piece pieces[PIECES];
    sem_t held; /* what the first piece waits for while it is run */
    sem_t runs; /* it does */
    int ran;
    bool corrupt; /* it was told */
};

static struct piece *piece_of(struct work *work)
{
    return (struct piece *)((char *)work - offsetof(struct piece, work));
}

static enum err run(struct work *work, struct database *db, struct fault *fault)
{
    (void)db;
    (void)fault;
    struct piece *piece = piece_of(work);
    piece->place = ++piece->fixture->ran;
    return ERR_OK;
}

static enum err run_held(struct work *work, struct database *db, struct fault *fault)
{
    struct piece *piece = piece_of(work);
    sem_post(&piece->fixture->runs);
    sem_wait(&piece->fixture->held);
    return run(work, db, fault);
}

static void done(struct work *work, enum err err, const struct fault *fault)
{
    (void)fault;
    struct piece *piece = piece_of(work);
    assert_int_equal(err, ERR_OK);
    piece->done = true;
    if (piece->again)
        assert_int_equal(worker_submit(piece->fixture->worker, work), ERR_OK);
}

static void on_corrupt(void *context)
{
    ((struct fixture *)context)->corrupt = true;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct fault fault = {0};
    scratch_make(&f->scratch);
    const struct hubdb_config hub = {.path = hub_database_path(&f->scratch, f->path),
                                     .folder = f->scratch.path};
    const struct worker_config config = {
        .max_waiting_bytes = QUEUE_BYTES, .corrupt = on_corrupt, .context = f};
    assert_int_equal(loop_open(&f->loop, &fault), ERR_OK);
    assert_int_equal(hubdb_open(&f->hub, &hub, &fault), ERR_OK);
    assert_int_equal(worker_open(&f->worker, f->loop, f->hub, &config, &fault), ERR_OK);
    sem_init(&f->held, 0, 0);
    sem_init(&f->runs, 0, 0);
    for (int i = 0; i < PIECES; i++)
        f->pieces[i] = (struct piece){.work = {.run = run, .done = done, .bytes = 1}, .fixture = f};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    worker_close(f->worker);
    loop_close(f->loop);
    hubdb_close(f->hub);
    sem_destroy(&f->held);
    sem_destroy(&f->runs);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

static void submit(struct fixture *f, int piece)
{
    assert_int_equal(worker_submit(f->worker, &f->pieces[piece].work), ERR_OK);
}

static void await_done(struct fixture *f, int piece)
{
    assert_true(await_flag(f->loop, &f->pieces[piece].done, AWAIT_MS));
}

/* The worker is at the first piece until `held` is posted. */
static void hold(struct fixture *f)
{
    f->pieces[0].work.run = run_held;
    submit(f, 0);
    sem_wait(&f->runs);
}

static void patient_work_gives_way_to_what_came_after_it(void **state)
{
    struct fixture *f = *state;
    hold(f);
    f->pieces[1].work.patient = true;
    for (int i = 1; i < PIECES; i++)
        submit(f, i);
    sem_post(&f->held);
    await_done(f, 1);
    assert_int_equal(f->pieces[1].place, PIECES);
    assert_int_equal(f->pieces[2].place, 2);
    assert_int_equal(f->pieces[3].place, 3);
}

static void patient_work_is_done_though_other_work_never_ends(void **state)
{
    struct fixture *f = *state;
    f->pieces[0].again = true;
    f->pieces[1].work.patient = true;
    submit(f, 0);
    submit(f, 1);
    await_done(f, 1);
    f->pieces[0].again = false;
}

static void close_finishes_what_was_submitted(void **state)
{
    struct fixture *f = *state;
    hold(f);
    f->pieces[1].work.patient = true;
    submit(f, 1);
    submit(f, 2);
    sem_post(&f->held);
    worker_close(f->worker);
    f->worker = NULL;
    assert_int_equal(f->ran, 3);
}

static void what_does_not_fit_is_refused(void **state)
{
    struct fixture *f = *state;
    f->pieces[0].work.bytes = QUEUE_BYTES + 1;
    assert_int_equal(worker_submit(f->worker, &f->pieces[0].work), ERR_BUSY);
    submit(f, 1);
    await_done(f, 1);
}

static enum err run_into_damage(struct work *work, struct database *db, struct fault *fault)
{
    (void)work;
    (void)db;
    return fault_set(fault, ERR_CORRUPT, "page", "can't be read");
}

static void done_not(struct work *work, enum err err, const struct fault *fault)
{
    (void)fault;
    assert_int_equal(err, ERR_CORRUPT);
    piece_of(work)->done = true;
}

static void damage_that_work_meets_is_told(void **state)
{
    if (hub_database_on_server())
        skip();
    struct fixture *f = *state;
    struct fault fault = {0};
    submit(f, 1);
    await_done(f, 1);
    assert_false(f->corrupt);
    f->pieces[0].work.run = run_into_damage;
    f->pieces[0].work.done = done_not;
    submit(f, 0);
    await_done(f, 0);
    assert_true(await_flag(f->loop, &f->corrupt, AWAIT_MS));
    assert_true(worker_fails(f->worker, &fault));
}

static enum err run_seeing(struct work *work, struct database *db, struct fault *fault)
{
    struct statement *s;
    enum err err = database_prepare(
        db, "INSERT INTO device (id, first_seen_ms, last_seen_ms) VALUES (?1, 1, 1)", &s, fault);
    if (err)
        return err;
    bind_text(s, 1, piece_of(work)->work.done == done ? "taken" : "refused");
    err = database_run(db, s, fault);
    statement_close(s);
    return err ? err : run(work, db, fault);
}

static enum err run_refused(struct work *work, struct database *db, struct fault *fault)
{
    enum err err = run_seeing(work, db, fault);
    return err ? err : fault_set(fault, ERR_INVALID, "piece", "isn't what it should be");
}

static void done_refused(struct work *work, enum err err, const struct fault *fault)
{
    (void)fault;
    assert_int_equal(err, ERR_INVALID);
    piece_of(work)->done = true;
}

static int64_t number_of(struct fixture *f, const char *sql)
{
    struct statement *s;
    bool row;
    assert_int_equal(database_prepare(hubdb_database(f->hub), sql, &s, NULL), ERR_OK);
    assert_int_equal(statement_step(s, &row, NULL), ERR_OK);
    int64_t number = row ? column_int(s, 0) : -1;
    statement_close(s);
    return number;
}

static void what_is_refused_leaves_nothing_and_takes_nothing_with_it(void **state)
{
    struct fixture *f = *state;
    hold(f);
    f->pieces[1].work.run = run_refused;
    f->pieces[1].work.done = done_refused;
    f->pieces[2].work.run = run_seeing;
    submit(f, 1);
    submit(f, 2);
    sem_post(&f->held);
    await_done(f, 2);
    assert_true(f->pieces[1].done);
    worker_close(f->worker);
    f->worker = NULL;
    assert_int_equal(number_of(f, "SELECT count(*) FROM device WHERE id = 'refused'"), 0);
    assert_int_equal(number_of(f, "SELECT count(*) FROM device WHERE id = 'taken'"), 1);
}

/* --- Beside readers -------------------------------------------------------------------------- */

enum { MIB = 1024 * 1024, PIECE_BYTES = MIB / 4, WRITTEN_MIB = 150, MOST_MIB = 96 };

static enum err run_creating(struct work *work, struct database *db, struct fault *fault)
{
    enum err err = database_script(db, "CREATE TABLE filler (bytes BLOB)", fault);
    return err ? err : run(work, db, fault);
}

static enum err run_writing(struct work *work, struct database *db, struct fault *fault)
{
    struct statement *s;
    enum err err = database_prepare(db, "INSERT INTO filler VALUES (zeroblob(?1))", &s, fault);
    if (err)
        return err;
    bind_int(s, 1, PIECE_BYTES);
    err = database_run(db, s, fault);
    statement_close(s);
    return err ? err : run(work, db, fault);
}

struct readers {
    struct hubdb *hubs[2];
    bool stop;
    enum err err; /* what ended them early */
};

static void begin_reading(struct readers *readers, int which)
{
    struct fault fault = {0};
    enum err err = database_script(hubdb_database(readers->hubs[which]),
                                   "BEGIN; SELECT count(*) FROM filler WHERE rowid < 9", &fault);
    if (err)
        readers->err = err;
}

/* There is no moment at which none of the two reads. */
static void *read_on(void *context)
{
    struct readers *readers = context;
    begin_reading(readers, 0);
    for (int i = 1; !readers->err && !__atomic_load_n(&readers->stop, __ATOMIC_RELAXED); i++) {
        begin_reading(readers, i % 2);
        database_rollback(hubdb_database(readers->hubs[(i + 1) % 2]));
    }
    return NULL;
}

static int64_t wal_mib(const struct fixture *f)
{
    char path[SCRATCH_PATH_MAX + 8];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s-wal", f->path);
    return stat(path, &info) == 0 ? (int64_t)info.st_size / MIB : 0;
}

static void the_write_ahead_log_stays_short_though_somebody_always_reads(void **state)
{
    if (hub_database_on_server())
        skip();
    struct fixture *f = *state;
    struct readers readers = {.stop = false};
    struct fault fault = {0};
    pthread_t thread;
    const struct hubdb_config config = {.path = f->path, .folder = f->scratch.path};
    f->pieces[0].work.run = run_creating;
    submit(f, 0);
    await_done(f, 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(hubdb_open_beside(&readers.hubs[i], &config, true, &fault), ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, read_on, &readers), 0);
    int64_t most = 0;
    f->pieces[0].work.run = run_writing;
    for (int i = 0; i < WRITTEN_MIB * (MIB / PIECE_BYTES); i++) {
        f->pieces[0].done = false;
        submit(f, 0);
        await_done(f, 0);
        int64_t now = wal_mib(f);
        most = now > most ? now : most;
    }
    __atomic_store_n(&readers.stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    for (int i = 0; i < 2; i++)
        hubdb_close(readers.hubs[i]);
    assert_int_equal(readers.err, ERR_OK);
    print_message("%d MiB written, the log had %lld MiB at most\n", WRITTEN_MIB, (long long)most);
    assert_true(most < MOST_MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(patient_work_gives_way_to_what_came_after_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(patient_work_is_done_though_other_work_never_ends, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(close_finishes_what_was_submitted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_that_work_meets_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_refused_leaves_nothing_and_takes_nothing_with_it,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            the_write_ahead_log_stays_short_though_somebody_always_reads, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
