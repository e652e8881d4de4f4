#include "hal/loop.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { LONG_MS = 10000 };

static int setup(void **state)
{
    struct loop *loop;
    if (loop_open(&loop, NULL) != ERR_OK)
        return -1;
    *state = loop;
    return 0;
}

static int teardown(void **state)
{
    loop_close(*state);
    return 0;
}

struct answer {
    int calls;
    enum err err;
    size_t count;
    struct sockaddr_storage first;
};

static void note_addresses(void *context, enum err err, const struct sockaddr_storage *addresses,
                           const socklen_t *lengths, size_t addresses_count)
{
    struct answer *answer = context;
    answer->calls++;
    answer->err = err;
    answer->count = addresses_count;
    if (addresses_count)
        memcpy(&answer->first, &addresses[0], lengths[0]);
}

static struct answer look_up(struct loop *loop, const char *host, uint16_t port)
{
    struct answer answer = {0};
    struct loop_lookup *lookup;
    assert_int_equal(loop_lookup_open(loop, host, port, note_addresses, &answer, &lookup, NULL),
                     ERR_OK);
    while (!answer.calls)
        loop_run_once(loop, LONG_MS);
    loop_run_once(loop, 1);
    assert_int_equal(answer.calls, 1);
    return answer;
}

static void lookup_takes_a_literal_ipv4_address(void **state)
{
    struct answer answer = look_up(*state, "127.0.0.7", 8883);
    assert_int_equal(answer.err, ERR_OK);
    assert_int_equal(answer.count, 1);
    const struct sockaddr_in *in = (const struct sockaddr_in *)&answer.first;
    assert_int_equal(ntohs(in->sin_port), 8883);
    assert_int_equal(ntohl(in->sin_addr.s_addr), 0x7f000007);
}

static void lookup_takes_a_literal_ipv6_address(void **state)
{
    struct answer answer = look_up(*state, "::1", 443);
    assert_int_equal(answer.err, ERR_OK);
    assert_int_equal(answer.first.ss_family, AF_INET6);
}

static void lookup_of_an_impossible_name_fails_with_no_address(void **state)
{
    struct answer answer = look_up(*state, "no-such-host.invalid", 1);
    assert_int_not_equal(answer.err, ERR_OK);
    assert_int_equal(answer.count, 0);
}

static void lookup_cancelled_never_calls_back(void **state)
{
    struct loop *loop = *state;
    struct answer answer = {0};
    struct loop_lookup *lookup;
    assert_int_equal(loop_lookup_open(loop, "127.0.0.1", 1, note_addresses, &answer, &lookup, NULL),
                     ERR_OK);
    loop_lookup_cancel(lookup);
    loop_close(loop); /* waits for the look-up's end */
    *state = NULL;
    assert_int_equal(answer.calls, 0);
}

static void cancelling_nothing_is_fine(void **state)
{
    (void)state;
    loop_lookup_cancel(NULL);
}

#define LOOKUP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOKUP_TEST(lookup_takes_a_literal_ipv4_address),
        LOOKUP_TEST(lookup_takes_a_literal_ipv6_address),
        LOOKUP_TEST(lookup_of_an_impossible_name_fails_with_no_address),
        LOOKUP_TEST(lookup_cancelled_never_calls_back),
        cmocka_unit_test(cancelling_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
