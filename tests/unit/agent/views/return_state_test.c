/* A return's state, folded from its events. */
#include "agent/views/return_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CREATED(decision, goods, tenders)                                                          \
    "{\"number\":\"R0042-000001-7\",\"store\":\"0042\",\"receipt\":\"r-1\",\"person\":\"p-1\","    \
    "\"customer\":\"c-1\",\"currency\":\"EUR\",\"decision\":\"" decision "\",\"goods\":\"" goods   \
    "\",\"money\":\"pending\",\"sale_id\":\"01935a10-7c3d-7200-8200-000000000200\",\"reasons\":"   \
    "[],\"lines\":[],\"refund\":{\"currency\":\"EUR\",\"total\":333,\"tenders\":[" tenders "]}}"
#define TENDER(type) "{\"tender\":1,\"type\":\"" type "\",\"amount\":333}"

struct fold {
    struct return_state state;
    int64_t seq;
};

static enum err apply_from(struct fold *fold, enum stream stream, enum event_type type,
                           const char *data)
{
    fold->seq++;
    struct eventlog_record record = {
        .stream = stream,
        .seq = fold->seq,
        .event = {.type = type,
                  .time_ms = 1000 * fold->seq,
                  .sequence = fold->seq,
                  .data = slice_of(data)},
    };
    return return_state_apply(&fold->state, &record, NULL);
}

static void apply(struct fold *fold, enum event_type type, const char *data)
{
    assert_int_equal(apply_from(fold, STREAM_RETURNS, type, data), ERR_OK);
}

static void created_return_knows_what_it_is_found_by(void **state)
{
    (void)state;
    struct fold fold = {0};
    apply(&fold, EVENT_RETURN_CREATED, CREATED("accepted", "received", TENDER("card")));
    assert_string_equal(fold.state.number, "R0042-000001-7");
    assert_string_equal(fold.state.receipt, "r-1");
    assert_string_equal(fold.state.person, "p-1");
    assert_string_equal(fold.state.customer, "c-1");
    assert_true(fold.state.has_sale);
    assert_int_equal(fold.state.total_minor, 333);
    assert_int_equal(fold.state.created_seq, 1);
    assert_int_equal(fold.state.tracks.goods, GOODS_RECEIVED);
    assert_int_equal(fold.state.tracks.money, MONEY_PENDING);
}

static void unknown_decision_is_invalid_and_changes_nothing(void **state)
{
    (void)state;
    struct fold fold = {0};
    assert_int_equal(
        apply_from(&fold, STREAM_RETURNS, EVENT_RETURN_CREATED, CREATED("perhaps", "none", "")),
        ERR_INVALID);
    assert_string_equal(fold.state.number, "");
}

static void finish(struct fold *fold)
{
    apply(fold, EVENT_ITEM_DISPOSITIONED, "{}");
    assert_int_equal(apply_from(fold, STREAM_CENTRE, EVENT_JOURNAL_POSTED, "{}"), ERR_OK);
}

static void cash_closes_when_it_is_paid_out(void **state)
{
    (void)state;
    struct fold fold = {0};
    apply(&fold, EVENT_RETURN_CREATED, CREATED("accepted", "received", TENDER("cash")));
    apply(&fold, EVENT_REFUND_ISSUED, "{\"position\":0}");
    finish(&fold);
    assert_true(tracks_closed(&fold.state.tracks));
}

static void a_card_closes_only_when_it_is_settled(void **state)
{
    (void)state;
    struct fold fold = {0};
    apply(&fold, EVENT_RETURN_CREATED, CREATED("accepted", "received", TENDER("card")));
    apply(&fold, EVENT_REFUND_ISSUED, "{\"position\":0}");
    finish(&fold);
    assert_false(tracks_closed(&fold.state.tracks));
    assert_int_equal(apply_from(&fold, STREAM_CENTRE, EVENT_REFUND_SETTLED, "{\"position\":0}"),
                     ERR_OK);
    assert_true(tracks_closed(&fold.state.tracks));
}

static void rounding_has_no_track(void **state)
{
    (void)state;
    struct fold fold = {0};
    apply(&fold, EVENT_RETURN_CREATED,
          CREATED("accepted", "received", TENDER("cash") "," TENDER("rounding")));
    assert_int_equal(fold.state.tracks.tender_count, 1);
}

static void news_that_came_too_late_changes_nothing(void **state)
{
    (void)state;
    struct fold fold = {0};
    apply(&fold, EVENT_RETURN_CREATED, CREATED("accepted", "received", TENDER("card")));
    apply(&fold, EVENT_RETURN_VOIDED, "{}");
    struct return_state before = fold.state;
    assert_int_equal(apply_from(&fold, STREAM_CENTRE, EVENT_REFUND_ISSUED, "{\"position\":0}"),
                     ERR_CONFLICT);
    assert_memory_equal(&before, &fold.state, sizeof before);
    assert_false(return_state_live(&fold.state));
}

static void news_of_the_centre_does_not_count_as_our_own(void **state)
{
    (void)state;
    struct fold fold = {0};
    apply(&fold, EVENT_RETURN_CREATED, CREATED("accepted", "received", TENDER("card")));
    assert_int_equal(apply_from(&fold, STREAM_CENTRE, EVENT_JOURNAL_POSTED, "{}"), ERR_OK);
    assert_int_equal(fold.state.sequence, 1);
    assert_int_equal(fold.state.updated_ms, 2000);
    assert_int_equal(fold.state.tracks.posting, POSTING_POSTED);
}

static void return_of_which_an_entry_is_parked_is_parked_whatever_else_is_posted(void **state)
{
    (void)state;
    struct fold fold = {0};
    apply(&fold, EVENT_RETURN_CREATED, CREATED("accepted", "received", TENDER("card")));
    assert_int_equal(apply_from(&fold, STREAM_CENTRE, EVENT_JOURNAL_PARKED, "{}"), ERR_OK);
    assert_int_equal(apply_from(&fold, STREAM_CENTRE, EVENT_JOURNAL_POSTED, "{\"parked\":true}"),
                     ERR_OK);
    assert_int_equal(fold.state.tracks.posting, POSTING_PARKED);
    assert_int_equal(apply_from(&fold, STREAM_CENTRE, EVENT_JOURNAL_POSTED, "{}"), ERR_OK);
    assert_int_equal(fold.state.tracks.posting, POSTING_POSTED);
}

static void approval_says_where_the_goods_stand(void **state)
{
    (void)state;
    struct fold fold = {0};
    apply(&fold, EVENT_RETURN_CREATED, CREATED("needs_manager", "none", TENDER("card")));
    assert_false(return_state_live(&fold.state));
    apply(&fold, EVENT_RETURN_APPROVED, "{\"decision\":\"accepted\",\"goods\":\"received\"}");
    assert_true(return_state_live(&fold.state));
    assert_int_equal(fold.state.tracks.goods, GOODS_RECEIVED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(created_return_knows_what_it_is_found_by),
        cmocka_unit_test(unknown_decision_is_invalid_and_changes_nothing),
        cmocka_unit_test(cash_closes_when_it_is_paid_out),
        cmocka_unit_test(a_card_closes_only_when_it_is_settled),
        cmocka_unit_test(rounding_has_no_track),
        cmocka_unit_test(news_that_came_too_late_changes_nothing),
        cmocka_unit_test(news_of_the_centre_does_not_count_as_our_own),
        cmocka_unit_test(return_of_which_an_entry_is_parked_is_parked_whatever_else_is_posted),
        cmocka_unit_test(approval_says_where_the_goods_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
