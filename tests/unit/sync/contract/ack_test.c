#include "hal/base/cleanup.h"
#include "sync/contract/ack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static struct ack sample(void)
{
    return (struct ack){
        .log = {{1, 2, 3}},
        .through = 17,
        .hash = {{4, 5}},
        .backed_up_through = 12,
        .ack_no = 99,
        .hub_epoch = 2,
        .also = {{20, 25}, {30, 30}},
        .also_count = 2,
        .parked = {{.id = {{7}}, .seq = 16, .code = "invalid", .detail = "lines[0]: is missing"}},
        .parked_count = 1,
    };
}

static const char whole[] =
    "{\"log_id\":\"01020300-0000-0000-0000-000000000000\",\"through\":17,"
    "\"hash\":\"0405000000000000000000000000000000000000000000000000000000000000\","
    "\"also\":[[20,25],[30,30]],\"backed_up_through\":12,\"ack_no\":99,\"hub_epoch\":2,"
    "\"parked\":[{\"id\":\"07000000-0000-0000-0000-000000000000\",\"seq\":16,"
    "\"code\":\"invalid\",\"detail\":\"lines[0]: is missing\"}]}";

static void write_makes_the_published_text(void **state)
{
    (void)state;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 4096);
    struct ack ack = sample();
    ack_write(&out, &ack);
    assert_string_equal(out.data, whole);
}

static void read_gives_back_what_was_written(void **state)
{
    (void)state;
    struct ack ack;
    struct ack expected = sample();
    assert_int_equal(ack_read(slice_of(whole), &ack, NULL), ERR_OK);
    assert_true(id_equal(&ack.log, &expected.log));
    assert_true(sha256_equal(&ack.hash, &expected.hash));
    assert_int_equal(ack.through, 17);
    assert_int_equal(ack.backed_up_through, 12);
    assert_int_equal(ack.ack_no, 99);
    assert_int_equal(ack.hub_epoch, 2);
    assert_int_equal(ack.also_count, 2);
    assert_int_equal(ack.also[0].first, 20);
    assert_int_equal(ack.also[0].last, 25);
    assert_int_equal(ack.also[1].first, 30);
    assert_int_equal(ack.parked_count, 1);
    assert_true(id_equal(&ack.parked[0].id, &expected.parked[0].id));
    assert_int_equal(ack.parked[0].seq, 16);
    assert_string_equal(ack.parked[0].code, "invalid");
    assert_string_equal(ack.parked[0].detail, "lines[0]: is missing");
}

static void encodings_are_told_and_unknown_ones_passed_over(void **state)
{
    (void)state;
    static const char told[] = ",\"accept_encoding\":[\"zstd-events-1\"]}";
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 4096);
    struct ack ack = sample();
    ack.reads_compressed = true;
    ack_write(&out, &ack);
    assert_string_equal(out.data + out.len - strlen(told), told);
    assert_int_equal(ack_read(buf_slice(&out), &ack, NULL), ERR_OK);
    assert_true(ack.reads_compressed);
    assert_int_equal(ack_read(slice_of(whole), &ack, NULL), ERR_OK);
    assert_false(ack.reads_compressed);
    buf_reset(&out);
    buf_append(&out, whole, strlen(whole) - 1);
    buf_append_text(&out, ",\"accept_encoding\":[\"gzip\",\"zstd-events-2\"]}");
    assert_int_equal(ack_read(buf_slice(&out), &ack, NULL), ERR_OK);
    assert_false(ack.reads_compressed);
}

static void full_ack_survives_the_road(void **state)
{
    (void)state;
    struct ack ack = sample();
    ack.also_count = ACK_RANGES_MAX;
    for (int i = 0; i < ACK_RANGES_MAX; i++)
        ack.also[i] = (struct ack_range){20 + 10 * i, 25 + 10 * i};
    ack.parked_count = ACK_PARKED_MAX;
    for (int i = 0; i < ACK_PARKED_MAX; i++) {
        ack.parked[i] = ack.parked[0];
        memset(ack.parked[i].code, 'c', ACK_CODE_MAX - 1);
        memset(ack.parked[i].detail, '"', ACK_DETAIL_MAX - 1);
    }
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 64 * 1024);
    ack_write(&out, &ack);
    assert_false(out.failed);
    struct ack read;
    struct fault fault = {0};
    assert_int_equal(ack_read(buf_slice(&out), &read, &fault), ERR_OK);
    assert_int_equal(read.also_count, ACK_RANGES_MAX);
    assert_int_equal(read.parked_count, ACK_PARKED_MAX);
    assert_string_equal(read.parked[ACK_PARKED_MAX - 1].detail, ack.parked[0].detail);
}

static void read_refuses_and_names_the_field(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        const char *to;
        const char *where;
    } wrong[] = {
        {"01020300-0000", "0102", "log_id"},
        {"\"through\":17", "\"through\":-1", "through"},
        {"\"through\":17", "\"through\":\"17\"", "through"},
        {"\"through\":17,", "", "through"},
        {"\"hash\":\"04", "\"hash\":\"xx", "hash"},
        {"[[20,25]", "[[18,25]", "also"},
        {"[[20,25]", "[[25,20]", "also"},
        {"[[20,25]", "[[20,29]", "also"},
        {"[[20,25]", "[[20,25,26]", "also"},
        {"[[20,25]", "[[20]", "also"},
        {"[[20,25]", "[7", "also"},
        {"[[20,25]", "[[20,25.5]", "also"},
        {"\"backed_up_through\":12", "\"backed_up_through\":18", "backed_up_through"},
        {"\"ack_no\":99", "\"ack_no\":1e30", "ack_no"},
        {"\"code\":\"invalid\"", "\"code\":\"\"", "parked[0].code"},
        {"\"id\":\"0700", "\"id\":\"07", "parked.id"},
        {"{\"log_id", "[\"log_id", ""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct buf text CLEANUP(buf_free);
        buf_init(&text, 4096);
        const char *at = strstr(whole, wrong[i].from);
        assert_non_null(at);
        buf_append(&text, whole, (size_t)(at - whole));
        buf_append_text(&text, wrong[i].to);
        buf_append_text(&text, at + strlen(wrong[i].from));
        struct ack ack = {.ack_no = 5};
        struct fault fault = {0};
        enum err err = ack_read(buf_slice(&text), &ack, &fault);
        if (err != ERR_INVALID || strcmp(fault.where, wrong[i].where) != 0)
            fail_msg("%s: %s at '%s'", wrong[i].to, err_name(err), fault.where);
        assert_int_equal(ack.ack_no, 5);
    }
}

static void newer_goes_by_epoch_then_number(void **state)
{
    (void)state;
    struct ack old = {.hub_epoch = 2, .ack_no = 9};
    assert_true(ack_newer(&(struct ack){.hub_epoch = 2, .ack_no = 10}, &old));
    assert_true(ack_newer(&(struct ack){.hub_epoch = 3, .ack_no = 1}, &old));
    assert_false(ack_newer(&(struct ack){.hub_epoch = 1, .ack_no = 99}, &old));
    assert_false(ack_newer(&old, &old));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_makes_the_published_text),
        cmocka_unit_test(read_gives_back_what_was_written),
        cmocka_unit_test(encodings_are_told_and_unknown_ones_passed_over),
        cmocka_unit_test(full_ack_survives_the_road),
        cmocka_unit_test(read_refuses_and_names_the_field),
        cmocka_unit_test(newer_goes_by_epoch_then_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
