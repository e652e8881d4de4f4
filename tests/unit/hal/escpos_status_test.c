#include "hal/escpos_status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void answers_are_told_apart_by_their_fixed_bits(void **state)
{
    (void)state;
    assert_int_equal(escpos_answer(0x12), ESCPOS_STATE);
    assert_int_equal(escpos_answer(0x7e), ESCPOS_STATE);
    assert_int_equal(escpos_answer(0x00), ESCPOS_PRINTED);
    assert_int_equal(escpos_answer(0x0c), ESCPOS_PRINTED);
    assert_int_equal(escpos_answer(0x11), ESCPOS_NO_ANSWER); /* XON */
    assert_int_equal(escpos_answer(0x13), ESCPOS_NO_ANSWER); /* XOFF */
    assert_int_equal(escpos_answer(0x80), ESCPOS_NO_ANSWER);
    assert_int_equal(escpos_answer(0xff), ESCPOS_NO_ANSWER);
}

static void each_cause_is_read_from_its_bit(void **state)
{
    (void)state;
    static const struct {
        uint8_t offline;
        uint8_t paper;
        struct escpos_status status;
    } rows[] = {
        {0x12, 0x12, {false, false, false}}, {0x16, 0x12, {true, false, false}},
        {0x32, 0x12, {false, true, false}},  {0x12, 0x72, {false, true, false}},
        {0x12, 0x1e, {false, false, false}}, /* paper near its end: it still prints */
        {0x52, 0x12, {false, false, true}},  {0x76, 0x72, {true, true, true}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct escpos_status status = {true, true, true};
        escpos_status_take(&status, rows[i].offline, false);
        escpos_status_take(&status, rows[i].paper, true);
        assert_int_equal(status.cover_open, rows[i].status.cover_open);
        assert_int_equal(status.paper_out, rows[i].status.paper_out);
        assert_int_equal(status.failed, rows[i].status.failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_told_apart_by_their_fixed_bits),
        cmocka_unit_test(each_cause_is_read_from_its_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
