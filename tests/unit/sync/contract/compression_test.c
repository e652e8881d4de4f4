#include "sync/contract/batch.h"
#include "sync/contract/compression.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include <cmocka.h>

enum { FRAME_MAX = 1024 * 1024 };

struct fixture {
    struct compressor *compressor;
    struct buf text;
    struct fault fault;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_int_equal(compressor_open(&f->compressor, NULL), ERR_OK);
    buf_init(&f->text, BATCH_BYTES_MAX);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    compressor_close(f->compressor);
    buf_free(&f->text);
    free(f);
    return 0;
}

static struct slice pack(struct fixture *f, struct slice text)
{
    struct slice frame;
    assert_int_equal(compressor_pack(f->compressor, text, &frame, &f->fault), ERR_OK);
    return frame;
}

static enum err unpack(struct fixture *f, const void *frame, size_t len)
{
    buf_reset(&f->text);
    return compression_unpack((struct slice){frame, len}, &f->text, &f->fault);
}

static const char event[] =
    "{\"specversion\":\"1.0\",\"id\":\"01a218fc-7555-7249-a572-eadf49504650\",\"source\":"
    "\"/store/7311/device/box\",\"type\":\"com.tillback.item.received.v1\",\"subject\":"
    "\"return/01a218fc-7555-7b58-bc4a-0cb9cef17ece\",\"time\":\"2031-01-26T17:52:08.021Z\","
    "\"datacontenttype\":\"application/json\",\"correlationid\":"
    "\"01a218fc-7555-7b58-bc4a-0cb9cef17ece\",\"sequence\":\"0000000002\",\"bootid\":"
    "\"63961626-eaae-43fd-a754-9c4a7e890e48\",\"monotonicms\":\"13317968\",\"timetrusted\":true,"
    "\"data\":{\"business_date\":\"2031-01-26\",\"lines\":[{\"line\":1,\"quantity\":1,"
    "\"condition\":\"used\"}]}}";

static void an_event_comes_back_byte_for_byte_from_less_than_a_third(void **state)
{
    struct fixture *f = *state;
    struct slice frame = pack(f, slice_of(event));
    assert_true(frame.len * 3 < strlen(event));
    assert_int_equal(unpack(f, frame.data, frame.len), ERR_OK);
    assert_string_equal(f->text.data, event);
}

static void what_stood_in_the_buffer_stays_before_it(void **state)
{
    struct fixture *f = *state;
    struct slice frame = pack(f, SLICE_LITERAL("[]"));
    buf_append_text(&f->text, "before ");
    assert_int_equal(compression_unpack(frame, &f->text, &f->fault), ERR_OK);
    assert_string_equal(f->text.data, "before []");
    frame = pack(f, slice_of(event));
    frame.len--;
    assert_int_equal(compression_unpack(frame, &f->text, &f->fault), ERR_INVALID);
    assert_string_equal(f->text.data, "before []");
}

static void the_largest_batch_passes_and_a_larger_one_is_refused(void **state)
{
    struct fixture *f = *state;
    struct slice frame;
    char *large = malloc(BATCH_BYTES_MAX + 1);
    memset(large, 'a', BATCH_BYTES_MAX + 1);
    frame = pack(f, (struct slice){large, BATCH_BYTES_MAX});
    assert_int_equal(unpack(f, frame.data, frame.len), ERR_OK);
    assert_int_equal(f->text.len, BATCH_BYTES_MAX);
    assert_int_equal(compressor_pack(f->compressor, (struct slice){large, BATCH_BYTES_MAX + 1},
                                     &frame, &f->fault),
                     ERR_TOO_LARGE);
    free(large);
}

static void a_bomb_is_refused_by_what_its_header_says(void **state)
{
    struct fixture *f = *state;
    static const char zeros[16 * 1024 * 1024];
    char *bomb = malloc(FRAME_MAX);
    size_t len = ZSTD_compress(bomb, FRAME_MAX, zeros, sizeof zeros, 1);
    assert_true(len < 8 * 1024);
    assert_int_equal(unpack(f, bomb, len), ERR_TOO_LARGE);
    assert_int_equal(f->text.len, 0);
    free(bomb);
}

static void a_frame_that_holds_more_than_it_says_is_refused(void **state)
{
    struct fixture *f = *state;
    char two[FRAME_MAX];
    struct slice frame = pack(f, slice_of(event));
    memcpy(two, frame.data, frame.len);
    memcpy(two + frame.len, frame.data, frame.len);
    assert_int_equal(unpack(f, two, 2 * frame.len), ERR_INVALID);
}

static void a_frame_made_without_our_dictionary_is_refused(void **state)
{
    struct fixture *f = *state;
    char frame[FRAME_MAX];
    size_t len = ZSTD_compress(frame, sizeof frame, event, strlen(event), 1);
    assert_int_equal(unpack(f, frame, len), ERR_INVALID);
    assert_string_equal(f->fault.text, "was made with another dictionary");
}

static void what_is_cut_short_or_no_frame_is_refused(void **state)
{
    struct fixture *f = *state;
    struct slice frame = pack(f, slice_of(event));
    char *cut = malloc(frame.len);
    memcpy(cut, frame.data, frame.len);
    for (size_t len = 0; len < frame.len; len++)
        assert_int_equal(unpack(f, cut, len), ERR_INVALID);
    assert_int_equal(unpack(f, event, strlen(event)), ERR_INVALID);
    free(cut);
}

/* No checksum stands in the frame: the chain's hash finds what is otherwise. */
static void a_flipped_bit_is_refused_or_unpacks_within_the_limit(void **state)
{
    struct fixture *f = *state;
    struct slice frame = pack(f, slice_of(event));
    char *bad = malloc(frame.len);
    for (size_t bit = 0; bit < 8 * frame.len; bit++) {
        memcpy(bad, frame.data, frame.len);
        bad[bit / 8] = (char)(bad[bit / 8] ^ 1 << bit % 8);
        if (unpack(f, bad, frame.len) == ERR_OK)
            assert_true(f->text.len <= BATCH_BYTES_MAX);
    }
    free(bad);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_event_comes_back_byte_for_byte_from_less_than_a_third),
        TEST(what_stood_in_the_buffer_stays_before_it),
        TEST(the_largest_batch_passes_and_a_larger_one_is_refused),
        TEST(a_bomb_is_refused_by_what_its_header_says),
        TEST(a_frame_that_holds_more_than_it_says_is_refused),
        TEST(a_frame_made_without_our_dictionary_is_refused),
        TEST(what_is_cut_short_or_no_frame_is_refused),
        TEST(a_flipped_bit_is_refused_or_unpacks_within_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
