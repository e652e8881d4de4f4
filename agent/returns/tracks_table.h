/*
 * The tables behind tracks.h: for each track a cell for every state and command. A cell is never
 * zero, so a forgotten one is seen by the test.
 */
#ifndef AGENT_RETURNS_TRACKS_TABLE_H
#define AGENT_RETURNS_TRACKS_TABLE_H

#include "agent/returns/tracks.h"

/* Cells: TRACKS_GO + next state, TRACKS_KEEP (doesn't concern it), TRACKS_REFUSE + refusal. */
enum { TRACKS_GO = 1, TRACKS_KEEP = 64, TRACKS_REFUSE = 128 };

#define TRACKS_REFUSALS(X)                                                                         \
    X(ALREADY_ACCEPTED, already_accepted,                                                          \
      "the return is accepted already; it can be voided while no money moved")                     \
    X(NO_CHECK_PENDING, no_check_pending, "no central check is pending")                           \
    X(CHECK_PENDING, check_pending, "the central check must pass first")                           \
    X(NOT_ACCEPTED, not_accepted, "the return is not accepted yet")                                \
    X(NEEDS_LINK, needs_link, "the return must be asked again when there is a link")               \
    X(DECLINED, declined, "the return was declined")                                               \
    X(VOIDED, voided, "the return was voided")                                                     \
    X(NO_GOODS, no_goods, "no goods belong to this return")                                        \
    X(GOODS_NOT_RECEIVED, goods_not_received, "the goods are not here yet")                        \
    X(GOODS_RECEIVED, goods_received, "the goods were received already")                           \
    X(GOODS_NOT_DISPOSED, goods_not_disposed, "where the goods go is not recorded yet")            \
    X(GOODS_DISPOSED, goods_disposed, "the goods went their way already")                          \
    X(NO_TENDER, no_tender, "the refund has no such tender")                                       \
    X(NOT_ISSUED, not_issued, "this tender was not paid out")                                      \
    X(ALREADY_ISSUED, already_issued, "this tender was paid out already")                          \
    X(ALREADY_SETTLED, already_settled, "this tender was settled already")                         \
    X(NOT_DISPUTED, not_disputed, "this tender is not disputed")                                   \
    X(DISPUTED, disputed, "this tender is disputed")                                               \
    X(CANCELLED, cancelled, "this tender was cancelled")                                           \
    X(MONEY_MOVED, money_moved, "money was paid out already")                                      \
    X(REFUND_PENDING, refund_pending, "a tender is not paid out yet")                              \
    X(REFUND_FAILED, refund_failed,                                                                \
      "a tender could not be paid out; try again or choose another way")                           \
    X(NOT_POSTED, not_posted, "the ledger has not posted it yet")                                  \
    X(PARKED, parked, "the ledger has parked it")                                                  \
    X(NOT_CLOSED, not_closed, "goods, money or posting are still open")                            \
    X(COMPLETE, complete, "the return is complete already")

#define TRACKS_REFUSAL_ENUM(upper, lower, text) REFUSAL_##upper,
enum { TRACKS_REFUSALS(TRACKS_REFUSAL_ENUM) REFUSAL_COUNT };

extern const uint8_t tracks_verdict_table[VERDICT_COUNT][COMMAND_COUNT];
extern const uint8_t tracks_goods_table[GOODS_COUNT][COMMAND_COUNT];
extern const uint8_t tracks_tender_table[TENDER_STATE_COUNT][COMMAND_COUNT];
extern const uint8_t tracks_posting_table[POSTING_COUNT][COMMAND_COUNT];

#endif
