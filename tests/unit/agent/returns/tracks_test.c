#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/returns/tracks.h"
#include "agent/returns/tracks_table.h"

static void assert_cell(uint8_t cell, unsigned states)
{
    bool go = cell >= TRACKS_GO && cell < TRACKS_GO + states;
    bool refuse = cell >= TRACKS_REFUSE && cell < TRACKS_REFUSE + REFUSAL_COUNT;
    assert_true(go || refuse || cell == TRACKS_KEEP);
}

static void every_state_and_command_is_defined(void **state)
{
    (void)state;
    for (unsigned c = 0; c < COMMAND_COUNT; c++) {
        for (unsigned s = 0; s < VERDICT_COUNT; s++)
            assert_cell(tracks_verdict_table[s][c], VERDICT_COUNT);
        for (unsigned s = 0; s < GOODS_COUNT; s++)
            assert_cell(tracks_goods_table[s][c], GOODS_COUNT);
        for (unsigned s = 0; s < TENDER_STATE_COUNT; s++)
            assert_cell(tracks_tender_table[s][c], TENDER_STATE_COUNT);
        for (unsigned s = 0; s < POSTING_COUNT; s++)
            assert_cell(tracks_posting_table[s][c], POSTING_COUNT);
    }
}

static void every_combination_is_taken_or_refused_with_a_reason(void **state)
{
    (void)state;
    size_t refused = 0;
    for (uint8_t v = 0; v < VERDICT_COUNT; v++)
        for (uint8_t g = 0; g < GOODS_COUNT; g++)
            for (uint8_t t = 0; t < TENDER_STATE_COUNT; t++)
                for (uint8_t p = 0; p < POSTING_COUNT; p++)
                    for (unsigned c = 0; c < COMMAND_COUNT; c++) {
                        struct tracks tracks = {.verdict = v,
                                                .goods = g,
                                                .posting = p,
                                                .tender_count = 1,
                                                .tenders = {t},
                                                .settles = 1};
                        struct tracks before = tracks;
                        struct tracks_refusal refusal = {0};
                        uint32_t possible = tracks_possible(&tracks);
                        enum err err = tracks_apply(&tracks, (enum command)c, 0, &refusal);
                        assert_int_equal(err == ERR_OK, possible >> c & 1);
                        if (err == ERR_OK)
                            continue;
                        refused++;
                        assert_int_equal(err, ERR_REFUSED);
                        assert_non_null(refusal.code);
                        assert_non_null(refusal.text);
                        assert_int_equal(refusal.possible, possible);
                        assert_memory_equal(&before, &tracks, sizeof before);
                    }
    assert_true(refused > 0);
}

static struct tracks accepted(uint8_t tenders)
{
    return (struct tracks){.verdict = VERDICT_ACCEPTED,
                           .goods = GOODS_RECEIVED,
                           .money = MONEY_PENDING,
                           .tender_count = tenders,
                           .settles = 1};
}

static void take(struct tracks *tracks, enum command command, size_t tender)
{
    struct tracks_refusal refusal = {.code = ""};
    if (tracks_apply(tracks, command, tender, &refusal) != ERR_OK)
        fail_msg("%s: %s", command_words[command], refusal.code);
}

static void refuse(struct tracks *tracks, enum command command, size_t tender, const char *code)
{
    struct tracks_refusal refusal = {.code = ""};
    assert_int_equal(tracks_apply(tracks, command, tender, &refusal), ERR_REFUSED);
    assert_string_equal(refusal.code, code);
}

static void one_failed_tender_is_tried_again_while_the_other_settles(void **state)
{
    (void)state;
    struct tracks tracks = accepted(2);
    take(&tracks, COMMAND_ISSUE, 0);
    assert_int_equal(tracks.money, MONEY_PENDING);
    take(&tracks, COMMAND_FAIL, 1);
    assert_int_equal(tracks.money, MONEY_FAILED);
    refuse(&tracks, COMMAND_ISSUE, 0, "already_issued");
    take(&tracks, COMMAND_ISSUE, 1);
    take(&tracks, COMMAND_SETTLE, 0);
    assert_int_equal(tracks.money, MONEY_ISSUED);
    take(&tracks, COMMAND_SETTLE, 1);
    assert_int_equal(tracks.money, MONEY_SETTLED);
    refuse(&tracks, COMMAND_ISSUE, 2, "no_tender");
}

static void complete_only_when_all_three_tracks_are_closed(void **state)
{
    (void)state;
    struct tracks tracks = accepted(1);
    refuse(&tracks, COMMAND_COMPLETE, 0, "goods_not_disposed");
    take(&tracks, COMMAND_INSPECT, 0);
    take(&tracks, COMMAND_DISPOSE, 0);
    refuse(&tracks, COMMAND_COMPLETE, 0, "refund_pending");
    take(&tracks, COMMAND_ISSUE, 0);
    refuse(&tracks, COMMAND_COMPLETE, 0, "not_closed");
    take(&tracks, COMMAND_SETTLE, 0);
    refuse(&tracks, COMMAND_COMPLETE, 0, "not_closed");
    take(&tracks, COMMAND_QUEUE, 0);
    refuse(&tracks, COMMAND_COMPLETE, 0, "not_posted");
    take(&tracks, COMMAND_POST, 0);
    take(&tracks, COMMAND_COMPLETE, 0);
    assert_true(tracks.complete);
    refuse(&tracks, COMMAND_COMPLETE, 0, "complete");
}

static void cash_closes_when_it_is_issued(void **state)
{
    (void)state;
    struct tracks tracks = accepted(1);
    tracks.settles = 0;
    tracks.goods = GOODS_NONE;
    tracks.posting = POSTING_POSTED;
    assert_false(tracks_closed(&tracks));
    take(&tracks, COMMAND_ISSUE, 0);
    assert_true(tracks_closed(&tracks));
}

static void a_void_needs_that_no_money_moved(void **state)
{
    (void)state;
    struct tracks tracks = accepted(2);
    struct tracks unpaid = tracks;
    take(&tracks, COMMAND_ISSUE, 1);
    refuse(&tracks, COMMAND_VOID, 0, "money_moved");
    take(&unpaid, COMMAND_VOID, 0);
    assert_int_equal(unpaid.verdict, VERDICT_VOIDED);
    assert_int_equal(unpaid.goods, GOODS_NONE);
    assert_int_equal(unpaid.money, MONEY_NONE);
    assert_true(tracks_closed(&unpaid));
    refuse(&unpaid, COMMAND_ISSUE, 0, "voided");
}

static void a_pending_check_holds_the_money_back(void **state)
{
    (void)state;
    struct tracks tracks = accepted(1);
    tracks.verdict = VERDICT_PENDING_CHECK;
    struct tracks failed = tracks;
    refuse(&tracks, COMMAND_ISSUE, 0, "check_pending");
    take(&tracks, COMMAND_CHECK_PASS, 0);
    take(&tracks, COMMAND_ISSUE, 0);
    take(&failed, COMMAND_CHECK_FAIL, 0);
    assert_int_equal(failed.verdict, VERDICT_DECLINED);
    assert_int_equal(failed.tenders[0], TENDER_STATE_CANCELLED);
    refuse(&failed, COMMAND_ISSUE, 0, "declined");
}

static void a_manager_approves_once(void **state)
{
    (void)state;
    struct tracks tracks = {.verdict = VERDICT_NEEDS_MANAGER};
    refuse(&tracks, COMMAND_RECEIVE, 0, "not_accepted");
    take(&tracks, COMMAND_APPROVE, 0);
    refuse(&tracks, COMMAND_APPROVE, 0, "already_accepted");
}

static void a_dispute_reopens_a_settled_tender(void **state)
{
    (void)state;
    struct tracks tracks = accepted(1);
    tracks.goods = GOODS_NONE;
    tracks.posting = POSTING_POSTED;
    take(&tracks, COMMAND_SETTLE, 0);
    take(&tracks, COMMAND_COMPLETE, 0);
    take(&tracks, COMMAND_DISPUTE, 0);
    assert_int_equal(tracks.money, MONEY_DISPUTED);
    assert_false(tracks.complete);
    take(&tracks, COMMAND_WIN, 0);
    assert_int_equal(tracks.money, MONEY_SETTLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_and_command_is_defined),
        cmocka_unit_test(every_combination_is_taken_or_refused_with_a_reason),
        cmocka_unit_test(one_failed_tender_is_tried_again_while_the_other_settles),
        cmocka_unit_test(complete_only_when_all_three_tracks_are_closed),
        cmocka_unit_test(cash_closes_when_it_is_issued),
        cmocka_unit_test(a_void_needs_that_no_money_moved),
        cmocka_unit_test(a_pending_check_holds_the_money_back),
        cmocka_unit_test(a_manager_approves_once),
        cmocka_unit_test(a_dispute_reopens_a_settled_tender),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
