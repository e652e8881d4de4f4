#include "agent/views/views.h"
#include "agent/views/exception_view.h"
#include "agent/views/return_view.h"
#include "agent/views/sale_view.h"

enum { SALES, RETURNS, EXCEPTIONS };

void views_define(struct eventlog_view table[static VIEWS_COUNT])
{
    sale_view_define(&table[SALES]);
    return_view_define(&table[RETURNS]);
    exception_view_define(&table[EXCEPTIONS]);
}

void views_tell_due(struct eventlog_view table[static VIEWS_COUNT], bool *due)
{
    table[RETURNS].context = due;
}

struct views views_of_txn(struct eventlog_txn *txn)
{
    return (struct views){
        .txn = txn,
        .sales = eventlog_txn_view(txn, SALE_VIEW_NAME),
        .returns = eventlog_txn_view(txn, RETURN_VIEW_NAME),
        .exceptions = eventlog_txn_view(txn, EXCEPTION_VIEW_NAME),
    };
}

struct views views_of_reader(struct eventlog_reader *reader)
{
    return (struct views){
        .reader = reader,
        .sales = eventlog_reader_view(reader, SALE_VIEW_NAME),
        .returns = eventlog_reader_view(reader, RETURN_VIEW_NAME),
        .exceptions = eventlog_reader_view(reader, EXCEPTION_VIEW_NAME),
    };
}

enum err views_history(const struct views *views, const struct id *correlation,
                       eventlog_visit *visit, void *context, struct fault *fault)
{
    if (views->txn)
        return eventlog_txn_history(views->txn, correlation, visit, context, fault);
    return eventlog_history(views->reader, correlation, visit, context, fault);
}
