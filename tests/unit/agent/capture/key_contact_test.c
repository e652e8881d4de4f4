/*
 * A key under which a return with a person's contact was asked for, and is asked for again after
 * the secret that its hash is made with came or went.
 */
#include "hal/storage.h"
#include "tests/support/counter.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WITH_CONTACT(name)                                                                         \
    "{\"receipt\":\"" COUNTER_RECEIPT "\",\"customer\":\"c-1\",\"contact\":{\"name\":\"" name      \
    "\"},\"lines\":[{\"line\":1,\"quantity\":1,\"reason\":\"unwanted\","                           \
    "\"condition\":\"open_box\"}]}"

static void write_secret(struct counter *counter, struct slice content)
{
    char path[PATH_MAX];
    assert_int_equal(
        storage_path(path, sizeof path, counter_config(counter)->folder, "contact-secret"), ERR_OK);
    assert_int_equal(storage_replace(path, content, 0600, NULL), ERR_OK);
    counter_restart(counter);
}

/* What it was is in `secret`. */
static void lock(struct counter *counter, struct buf *secret)
{
    static const char sealed[100] = "to an identity that is gone";
    char path[PATH_MAX];
    assert_int_equal(
        storage_path(path, sizeof path, counter_config(counter)->folder, "contact-secret"), ERR_OK);
    buf_init(secret, sizeof sealed);
    assert_int_equal(storage_read(path, secret, NULL), ERR_OK);
    write_secret(counter, (struct slice){sealed, sizeof sealed});
}

static void unlock(struct counter *counter, struct buf *secret)
{
    write_secret(counter, buf_slice(secret));
    buf_free(secret);
}

static void ask(struct counter *counter, const char *json, enum err err, bool replayed)
{
    struct counter_answer answer = counter_ask(counter, CAPTURE_RETURN, NULL, "k", json);
    assert_int_equal(answer.err, err);
    if (err)
        assert_string_equal(answer.fault.where, "Idempotency-Key");
    assert_int_equal(answer.replayed, replayed);
    counter_answer_free(&answer);
}

static void what_was_saved_without_the_secret_is_known_with_it(void **state)
{
    struct buf secret;
    lock(*state, &secret);
    ask(*state, WITH_CONTACT("Ada"), ERR_OK, false);
    ask(*state, WITH_CONTACT("Ada"), ERR_OK, true);
    unlock(*state, &secret);
    ask(*state, WITH_CONTACT("Ada"), ERR_OK, true);
    ask(*state, COUNTER_PIECES("2"), ERR_CONFLICT, false);
}

/* Not called a conflict: nobody can tell. */
static void what_was_saved_with_the_secret_is_in_doubt_without_it(void **state)
{
    struct buf secret;
    ask(*state, WITH_CONTACT("Ada"), ERR_OK, false);
    ask(*state, WITH_CONTACT("Bob"), ERR_CONFLICT, false);
    int64_t before = counter_head(*state);
    lock(*state, &secret);
    ask(*state, WITH_CONTACT("Ada"), ERR_UNREACHABLE, false);
    unlock(*state, &secret);
    ask(*state, WITH_CONTACT("Ada"), ERR_OK, true);
    assert_int_equal(counter_head(*state), before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, counter_setup, counter_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_was_saved_without_the_secret_is_known_with_it),
        TEST(what_was_saved_with_the_secret_is_in_doubt_without_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
