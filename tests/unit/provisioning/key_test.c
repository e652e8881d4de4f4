#include "provisioning/key.h"
#include "tests/support/openssl.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct scratch scratch;

static int setup(void **state)
{
    (void)state;
    scratch_make(&scratch);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static void saved_key_comes_back_the_same(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_MAX];
    scratch_path(&scratch, "key.pem", path);
    struct key *made CLEANUP(key_cleanup) = NULL, *loaded CLEANUP(key_cleanup) = NULL;
    assert_int_equal(key_make(&made, NULL), ERR_OK);
    assert_int_equal(key_save(made, path, NULL), ERR_OK);
    assert_int_equal(key_load(path, &loaded, NULL), ERR_OK);
    assert_int_equal(key_matches(made, key_pk(loaded), NULL), ERR_OK);
}

static void two_keys_are_never_the_same(void **state)
{
    (void)state;
    struct key *a CLEANUP(key_cleanup) = NULL, *b CLEANUP(key_cleanup) = NULL;
    assert_int_equal(key_make(&a, NULL), ERR_OK);
    assert_int_equal(key_make(&b, NULL), ERR_OK);
    assert_int_equal(key_matches(a, key_pk(b), NULL), ERR_CONFLICT);
}

static void key_file_is_for_its_owner_alone_whatever_the_umask(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_MAX];
    scratch_path(&scratch, "key.pem", path);
    struct key *key CLEANUP(key_cleanup) = NULL;
    assert_int_equal(key_make(&key, NULL), ERR_OK);
    mode_t before = umask(0);
    enum err err = key_save(key, path, NULL);
    umask(before);
    assert_int_equal(err, ERR_OK);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
}

static void key_that_others_can_read_is_refused_with_what_to_do(void **state)
{
    (void)state;
    static const mode_t refused[] = {0644, 0604, 0660, 0602, 0601};
    char path[SCRATCH_PATH_MAX];
    scratch_path(&scratch, "key.pem", path);
    struct key *key CLEANUP(key_cleanup) = NULL;
    assert_int_equal(key_make(&key, NULL), ERR_OK);
    assert_int_equal(key_save(key, path, NULL), ERR_OK);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct key *loaded = NULL;
        struct fault fault;
        assert_int_equal(chmod(path, refused[i]), 0);
        assert_int_equal(key_load(path, &loaded, &fault), ERR_FORBIDDEN);
        assert_null(loaded);
        assert_string_equal(fault.where, path);
        assert_non_null(strstr(fault.text, "chmod 600"));
    }
    /* a group that may only read, as for a broker's own user, is fine */
    struct key *loaded CLEANUP(key_cleanup) = NULL;
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(key_load(path, &loaded, NULL), ERR_OK);
}

static void missing_and_damaged_files_are_told_apart(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_MAX];
    scratch_path(&scratch, "damaged.pem", path);
    struct key *key = NULL;
    struct fault fault;
    assert_int_equal(key_load(path, &key, &fault), ERR_NOT_FOUND);
    static const char text[] =
        "-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----\n";
    scratch_write(path, text, sizeof text - 1);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(key_load(path, &key, &fault), ERR_INVALID);
    assert_string_equal(fault.where, path);
    scratch_write(path, "", 0);
    assert_int_equal(key_load(path, &key, NULL), ERR_INVALID);
    char folder[SCRATCH_PATH_MAX];
    assert_int_equal(key_load(scratch_path(&scratch, "", folder), &key, NULL), ERR_INVALID);
    assert_null(key);
}

static void keys_of_other_kinds_are_refused(void **state)
{
    (void)state;
    if (!openssl_present())
        skip();
    static const char *const kinds[] = {
        "genpkey -algorithm RSA",
        "ecparam -genkey -noout -name secp384r1",
        "ecparam -genkey -noout -name secp256k1",
    };
    char path[SCRATCH_PATH_MAX], out[512];
    scratch_path(&scratch, "other.pem", path);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct key *key = NULL;
        assert_true(openssl_run(out, sizeof out, "%s -out %s", kinds[i], path));
        assert_int_equal(chmod(path, 0600), 0);
        assert_int_equal(key_load(path, &key, NULL), ERR_INVALID);
        assert_null(key);
    }
}

static void openssl_reads_our_key_and_we_read_its(void **state)
{
    (void)state;
    if (!openssl_present())
        skip();
    char ours[SCRATCH_PATH_MAX], theirs[SCRATCH_PATH_MAX], out[512];
    scratch_path(&scratch, "ours.pem", ours);
    scratch_path(&scratch, "theirs.pem", theirs);
    struct key *key CLEANUP(key_cleanup) = NULL, *copy CLEANUP(key_cleanup) = NULL;
    assert_int_equal(key_make(&key, NULL), ERR_OK);
    assert_int_equal(key_save(key, ours, NULL), ERR_OK);
    assert_true(openssl_run(out, sizeof out, "ec -in %s -check -noout", ours));
    assert_true(openssl_run(out, sizeof out, "pkcs8 -topk8 -nocrypt -in %s -out %s", ours, theirs));
    assert_int_equal(chmod(theirs, 0600), 0);
    assert_int_equal(key_load(theirs, &copy, NULL), ERR_OK);
    assert_int_equal(key_matches(key, key_pk(copy), NULL), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saved_key_comes_back_the_same),
        cmocka_unit_test(two_keys_are_never_the_same),
        cmocka_unit_test(key_file_is_for_its_owner_alone_whatever_the_umask),
        cmocka_unit_test(key_that_others_can_read_is_refused_with_what_to_do),
        cmocka_unit_test(missing_and_damaged_files_are_told_apart),
        cmocka_unit_test(keys_of_other_kinds_are_refused),
        cmocka_unit_test(openssl_reads_our_key_and_we_read_its),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
