#include "agent/people/token.h"
#include "hal/storage.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static struct scratch scratch;
static struct tokens *tokens;

/* What was told, a word each: "act:lane". */
static char told[256];

/* Stands for the log, and keeps the copy as it does once it has the acts. */
static void hear(void *context, const struct access *acts, size_t count,
                 const struct access_copy *copy)
{
    assert_ptr_equal(context, &scratch);
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(told);
        (void)snprintf(told + len, sizeof told - len, "%s:%s ",
                       acts[i].act == ACCESS_TOKEN_ADDED ? "added" : "removed", acts[i].lane);
    }
    assert_int_equal(storage_replace(copy->path, copy->now, 0600, NULL), ERR_OK);
}

static void open_tokens(void)
{
    told[0] = '\0';
    assert_int_equal(tokens_open(&tokens, scratch.path, NULL), ERR_OK);
    assert_int_equal(tokens_tell(tokens, hear, &scratch, NULL), ERR_OK);
}

static void assert_refresh_tells(const char *words)
{
    told[0] = '\0';
    tokens_refresh(tokens);
    assert_string_equal(told, words);
}

static int setup(void **state)
{
    (void)state;
    char token[TOKEN_TEXT + 1];
    scratch_make(&scratch);
    assert_int_equal(token_add(scratch.path, "01", "one", token, NULL), ERR_OK);
    open_tokens();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tokens_close(tokens);
    scratch_remove(&scratch);
    return 0;
}

static void what_was_done_while_it_stood_still_is_told_at_the_start(void **state)
{
    (void)state;
    char token[TOKEN_TEXT + 1];
    assert_string_equal(told, "added:01 ");
    assert_refresh_tells("");
    tokens_close(tokens);
    assert_int_equal(token_remove(scratch.path, "one", NULL), ERR_OK);
    assert_int_equal(token_add(scratch.path, "02", "two", token, NULL), ERR_OK);
    open_tokens();
    assert_string_equal(told, "added:02 removed:01 ");
    tokens_close(tokens);
    open_tokens();
    assert_string_equal(told, "");
}

static void a_token_added_and_removed_is_told_once_each(void **state)
{
    (void)state;
    char token[TOKEN_TEXT + 1];
    struct token_holder holder;
    assert_int_equal(token_add(scratch.path, "02", "two", token, NULL), ERR_OK);
    assert_refresh_tells("added:02 ");
    assert_refresh_tells("");
    assert_int_equal(tokens_find(tokens, slice_of(token), &holder), ERR_OK);
    assert_int_equal(token_remove(scratch.path, "two", NULL), ERR_OK);
    assert_refresh_tells("removed:02 ");
    assert_int_equal(tokens_find(tokens, slice_of(token), &holder), ERR_FORBIDDEN);
}

static void a_damaged_file_tells_nothing_and_takes_nobodys_token(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_MAX];
    char token[TOKEN_TEXT + 1];
    struct token_holder holder;
    assert_int_equal(token_add(scratch.path, "02", "two", token, NULL), ERR_OK);
    assert_refresh_tells("added:02 ");
    scratch_write(scratch_path(&scratch, "tokens", path), "damaged\n", 8);
    assert_refresh_tells("");
    assert_int_equal(tokens_find(tokens, slice_of(token), &holder), ERR_OK);
    assert_string_equal(holder.lane, "02");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_done_while_it_stood_still_is_told_at_the_start),
        TEST(a_token_added_and_removed_is_told_once_each),
        TEST(a_damaged_file_tells_nothing_and_takes_nobodys_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
