#include "tests/support/ledger_return.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

int ledger_return_make(void **state)
{
    static struct ledger_run run;
    ledger_run_make(&run);
    *state = &run;
    return 0;
}

int ledger_return_drop(void **state)
{
    ledger_run_free(*state);
    return 0;
}

void ledger_return_expect(struct ledger_run *run, const char *journal)
{
    assert_string_equal(ledger_run_journal(run), journal);
}

void ledger_return_accept(struct ledger_run *run, const char *line, const char *more)
{
    struct buf data;
    buf_init(&data, 4096);
    buf_printf(&data,
               "{" HEAD ",\"decision\":\"accepted\",\"goods\":\"received\",\"lines\":[%s]%s}", line,
               more);
    ledger_run_event(run, EVENT_RETURN_CREATED, data.data);
    buf_free(&data);
}
