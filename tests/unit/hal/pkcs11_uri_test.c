#include "hal/base/cleanup.h"
#include "hal/pkcs11_uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void uri_is_printed_as_it_was_read(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "pkcs11:token=store?module-path=/usr/lib/softhsm/libsofthsm2.so",
        "pkcs11:token=a%20b%3B;serial=0123;id=%00a%FF?module-path=/m.so&pin-source=/etc/pin",
        "pkcs11:serial=77?module-path=/m.so",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct pkcs11_uri uri;
        struct buf out CLEANUP(buf_free);
        buf_init(&out, 1024);
        assert_int_equal(pkcs11_uri_parse(texts[i], &uri, NULL), ERR_OK);
        pkcs11_uri_print(&uri, &out);
        assert_string_equal(out.data, texts[i]);
    }
}

static void pin_source_may_be_a_file_uri(void **state)
{
    (void)state;
    struct pkcs11_uri uri;
    assert_int_equal(
        pkcs11_uri_parse("pkcs11:token=t?pin-source=file:/p&module-path=/m", &uri, NULL), ERR_OK);
    assert_string_equal(uri.pin_path, "/p");
    assert_string_equal(uri.label, "t");
}

static void refusals_name_the_attribute(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *where;
    } rows[] = {
        {"", "pkcs11"},
        {"pkcs12:token=t?module-path=/m", "pkcs11"},
        {"pkcs11:token=t", "module-path"},
        {"pkcs11:token=t?module-path=m.so", "module-path"},
        {"pkcs11:?module-path=/m", "token"},
        {"pkcs11:token=?module-path=/m", "token"},
        {"pkcs11:token=%4?module-path=/m", "token"},
        {"pkcs11:token=%zz?module-path=/m", "token"},
        {"pkcs11:token=a%00?module-path=/m", "token"},
        {"pkcs11:token=123456789012345678901234567890123?module-path=/m", "token"},
        {"pkcs11:token=t;slot-id=1?module-path=/m", "pkcs11"},
        {"pkcs11:token?module-path=/m", "pkcs11"},
        {"pkcs11:token=t;id=%"
         "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0?module-path=/m",
         "id"},
        {"pkcs11:token=t?module-path=/m&pin-value=1234", "pin-value"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pkcs11_uri uri;
        struct fault fault;
        assert_int_not_equal(pkcs11_uri_parse(rows[i].text, &uri, &fault), ERR_OK);
        assert_string_equal(fault.where, rows[i].where);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uri_is_printed_as_it_was_read),
        cmocka_unit_test(pin_source_may_be_a_file_uri),
        cmocka_unit_test(refusals_name_the_attribute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
