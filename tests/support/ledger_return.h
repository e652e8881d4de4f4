/*
 * A return of one pair of socks in the books, for tests: words of its events, and of the lines that
 * they come to.
 */
#ifndef TESTS_SUPPORT_LEDGER_RETURN_H
#define TESTS_SUPPORT_LEDGER_RETURN_H

#include "tests/support/ledger_run.h"

#define SOCKS                                                                                      \
    "{\"line\":1,\"quantity\":1,\"net\":280,\"tax\":[{\"jurisdiction\":\"DE\",\"rate\":\"19\","    \
    "\"amount\":53}],\"gross\":333,\"fee\":{\"amount\":0,\"tax\":0},\"cost\":200}"
#define HEAD "\"number\":\"R1\",\"store\":\"0042\",\"currency\":\"EUR\""
#define CREATED(decision, goods)                                                                   \
    "{" HEAD ",\"decision\":\"" decision "\",\"goods\":\"" goods "\",\"lines\":[" SOCKS "],"       \
    "\"refund\":{\"currency\":\"EUR\",\"total\":333,\"tenders\":[{\"tender\":1,\"type\":\"card\"," \
    "\"amount\":333,\"executor\":\"terminal\"}]}}"
#define RECEIVED "{\"lines\":[{\"line\":1,\"quantity\":1,\"condition\":\"open_box\"}]}"
#define ISSUED "{\"tender\":1,\"type\":\"card\",\"amount\":333}"
#define ACCEPTED "accepted: returns +280, tax DE 19 +53, refunds_payable -333\n"
#define CAME "goods_received: quarantine_stock +200, cost_of_goods_sold -200\n"
#define PAID "refund_issued: refunds_payable +333, tender card -333\n"

/* Fixtures: the state is a struct ledger_run. */
int ledger_return_make(void **state);
int ledger_return_drop(void **state);
/* A return in hand of one line, given as JSON, accepted and received; `more` follows its lines. */
void ledger_return_accept(struct ledger_run *run, const char *line, const char *more);
/* Asserts that this is the journal so far. */
void ledger_return_expect(struct ledger_run *run, const char *journal);

#endif
