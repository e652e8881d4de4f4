#include "tests/support/people_house.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "tests/support/await.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Stands for the log, and keeps the copy as it does once it has the acts. */
static void hear_access(void *context, const struct access *acts, size_t count,
                        const struct access_copy *copy)
{
    struct people_house *h = context;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(h->told);
        (void)snprintf(h->told + len, sizeof h->told - len, "%d %s %s\n", acts[i].act,
                       acts[i].person, acts[i].by);
    }
    if (!copy || h->log_fails)
        return;
    struct buf kept CLEANUP(buf_free);
    buf_init(&kept, (size_t)64 * 1024);
    assert_int_equal(storage_read(copy->path, &kept, NULL), ERR_OK);
    if (slice_equal(buf_slice(&kept), copy->before))
        assert_int_equal(storage_replace(copy->path, copy->now, 0600, NULL), ERR_OK);
}

void people_house_open(struct people_house *h)
{
    struct fault fault;
    struct people_config config = {
        .loop = h->loop,
        .clock = h->wall,
        .folder = h->scratch.path,
        .limits = {.idle_ms = HOUSE_IDLE_MS, .age_ms = HOUSE_AGE_MS},
        .rounds = HOUSE_ROUNDS,
        .told = hear_access,
        .told_context = h,
    };
    assert_int_equal(people_open(&h->people, &config, &fault), ERR_OK);
}

int people_house_setup(void **state)
{
    struct people_house *h = calloc(1, sizeof *h);
    assert_non_null(h);
    *state = h;
    scratch_make(&h->scratch);
    assert_int_equal(loop_open(&h->loop, NULL), ERR_OK);
    assert_int_equal(clock_fake_open(&h->wall, INT64_C(1795000000000), NULL), ERR_OK);
    struct person_draft ann = {
        .number = "1042", .name = "Ann", .badge = "BADGE-7", .rounds = HOUSE_ROUNDS};
    assert_int_equal(staff_add(h->scratch.path, &ann, slice_of("2580"), false, NULL), ERR_OK);
    people_house_open(h);
    h->told[0] = '\0';
    return 0;
}

int people_house_teardown(void **state)
{
    struct people_house *h = *state;
    people_close(h->people);
    loop_close(h->loop);
    clock_close(h->wall);
    scratch_remove(&h->scratch);
    free(h);
    return 0;
}

void people_house_hear(void *context, const struct people_answer *answer)
{
    struct people_heard *heard = context;
    heard->came = true;
    heard->times++;
    heard->err = answer->err;
    heard->retry_s = answer->retry_s;
    heard->number[0] = '\0';
    if (answer->person)
        memcpy(heard->number, answer->person->number, sizeof heard->number);
    assert_true(!answer->err == (answer->person != NULL));
}

struct people_heard people_house_verify(struct people_house *h, const char *who, const char *pin)
{
    struct people_heard heard = {0};
    people_verify(h->people, slice_of(who), slice_of(pin), people_house_hear, &heard);
    assert_true(await_flag(h->loop, &heard.came, AWAIT_MS));
    return heard;
}
