#include "sync/transport/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct good {
    const char *text;
    const char *scheme;
    const char *user;
    const char *host;
    uint16_t port;
};

static void addresses_are_taken_apart(void **state)
{
    (void)state;
    static const struct good rows[] = {
        {"mqtts://hub.example:8884", "mqtts", "", "hub.example", 8884},
        {"MQTTS://hub.example", "mqtts", "", "hub.example", 7},
        {"http://till:p%40ss@proxy:3128/", "http", "till:p%40ss", "proxy", 3128},
        {"127.0.0.1:0", "", "", "127.0.0.1", 0},
        {"[::1]:8080", "", "", "::1", 8080},
        {"[fe80::1]", "", "", "fe80::1", 7},
        {"a-b_c.d:65535", "", "", "a-b_c.d", 65535},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct url url;
        struct fault fault;
        if (url_parse(rows[i].text, "x", 7, &url, &fault))
            fail_msg("%s: %s", rows[i].text, fault.text);
        assert_string_equal(url.scheme, rows[i].scheme);
        assert_string_equal(url.user, rows[i].user);
        assert_string_equal(url.host, rows[i].host);
        assert_int_equal(url.port, rows[i].port);
    }
}

static void what_is_no_address_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        ":80",
        "mqtts://",
        "host:",
        "host:65536",
        "host:-1",
        "host:80x",
        "host:0x50",
        "a b:80",
        "host/path",
        "host?q=1",
        "host#f",
        "[::1",
        "[::1]x",
        "[]:80",
        "host:1:2",
        "::1",
        "m qtt://host",
        "host\r\nX:1",
        "[::1%eth0]:80",
        "user@",
        "host:000000001",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct url url = {.port = 42};
        struct fault fault;
        if (url_parse(texts[i], "broker.url", 7, &url, &fault) != ERR_INVALID)
            fail_msg("\"%s\" was taken", texts[i]);
        assert_string_equal(fault.where, "broker.url");
        assert_int_equal(url.port, 42);
    }
}

static void too_long_parts_are_refused(void **state)
{
    (void)state;
    char text[400];
    struct url url;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(url_parse(text, "x", 7, &url, NULL), ERR_INVALID);
    memcpy(text + 20, "://host", 8);
    assert_int_equal(url_parse(text, "x", 7, &url, NULL), ERR_INVALID);
    memset(text, 'a', sizeof text - 1);
    memcpy(text + 300, "@host", 6);
    assert_int_equal(url_parse(text, "x", 7, &url, NULL), ERR_INVALID);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_taken_apart),
        cmocka_unit_test(what_is_no_address_is_refused_and_changes_nothing),
        cmocka_unit_test(too_long_parts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
