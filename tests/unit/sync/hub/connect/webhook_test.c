#include "sync/hub/connect/webhook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The example of the standard's own libraries. */
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define BODY "{\"test\": 2432232314}"
enum { AT_S = 1614265330 };
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static struct webhook_secret secret(void)
{
    struct webhook_secret made;
    assert_int_equal(webhook_secret_parse(slice_of(SECRET), &made, NULL), ERR_OK);
    return made;
}

static struct webhook example(const char *signature)
{
    return (struct webhook){ID, "1614265330", signature, slice_of(BODY)};
}

static void signature_is_that_of_the_standard(void **state)
{
    (void)state;
    char signature[WEBHOOK_SIGNATURE_TEXT + 1];
    const struct webhook_secret key = secret();
    webhook_sign(&key, ID, AT_S, slice_of(BODY), signature);
    assert_string_equal(signature, SIGNATURE);
}

static void any_of_several_signatures_may_fit(void **state)
{
    (void)state;
    const struct webhook_secret key = secret();
    const struct webhook webhook =
        example("v1a,xx v1,AAAA " SIGNATURE " v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_int_equal(webhook_verify(&key, &webhook, AT_S * INT64_C(1000), NULL), ERR_OK);
}

static void what_was_changed_is_refused(void **state)
{
    (void)state;
    const struct webhook_secret key = secret();
    const struct webhook wrong[] = {
        {"msg_other", "1614265330", SIGNATURE, slice_of(BODY)},
        {ID, "1614265331", SIGNATURE, slice_of(BODY)},
        {ID, "1614265330", SIGNATURE, slice_of("{}")},
        {ID, "1614265330", "v1,", slice_of(BODY)},
        {ID, "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=", slice_of(BODY)},
        {ID, "soon", SIGNATURE, slice_of(BODY)},
        {NULL, "1614265330", SIGNATURE, slice_of(BODY)},
        {ID, NULL, SIGNATURE, slice_of(BODY)},
        {ID, "1614265330", NULL, slice_of(BODY)},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(webhook_verify(&key, &wrong[i], AT_S * INT64_C(1000), NULL),
                         ERR_FORBIDDEN);
}

static void old_and_future_ones_are_refused(void **state)
{
    (void)state;
    const struct webhook_secret key = secret();
    const struct webhook webhook = example(SIGNATURE);
    const int64_t at_ms = AT_S * INT64_C(1000);
    assert_int_equal(webhook_verify(&key, &webhook, at_ms + 300000, NULL), ERR_OK);
    assert_int_equal(webhook_verify(&key, &webhook, at_ms + 301000, NULL), ERR_FORBIDDEN);
    assert_int_equal(webhook_verify(&key, &webhook, at_ms - 301000, NULL), ERR_FORBIDDEN);
}

static void secret_is_neither_short_nor_bare(void **state)
{
    (void)state;
    struct webhook_secret made;
    const char *const wrong[] = {"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8G",
                                 "whsec_****"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(webhook_secret_parse(slice_of(wrong[i]), &made, NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signature_is_that_of_the_standard),
        cmocka_unit_test(any_of_several_signatures_may_fit),
        cmocka_unit_test(what_was_changed_is_refused),
        cmocka_unit_test(old_and_future_ones_are_refused),
        cmocka_unit_test(secret_is_neither_short_nor_bare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
