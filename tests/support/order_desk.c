#include "tests/support/order_desk.h"

#include "hal/base/buf.h"

#include <stdio.h>

enum err bring_order(struct hub_run *run, order_run *take, struct order *order)
{
    struct buf answer;
    buf_init(&answer, 4096);
    order->now_ms = ++run->now_ms;
    order->answer = &answer;
    hub_run_must(run, database_begin(run->db, &run->fault));
    enum err err = take(run->db, order, &run->fault);
    if (err)
        database_rollback(run->db);
    else
        hub_run_must(run, database_commit(run->db, &run->fault));
    buf_free(&answer);
    return err;
}

enum err bring(struct hub_run *run, order_run *take, const char *text, const char *stores,
               struct told *told)
{
    struct order order = {.text = slice_of(text), .stores = stores, .told = told};
    return bring_order(run, take, &order);
}

void give_back_under(struct hub_run *run, int store, int number, const char *receipt, int quantity,
                     int sold, const char *decision, const char *authorisation)
{
    char data[1024];
    (void)snprintf(data, sizeof data,
                   "{\"number\":\"R-%d\",\"receipt\":\"%s\",%s\"store\":\"004%d\",\"currency\":"
                   "\"EUR\",\"decision\":\"%s\",\"goods\":\"received\",\"lines\":[{\"line\":1,"
                   "\"quantity\":%d,\"net\":%d,\"tax\":[],\"gross\":%d}],\"sale\":{\"lines\":[{"
                   "\"line\":1,\"quantity\":%d}]}}",
                   number, receipt, authorisation, store, decision, quantity, quantity * 1000,
                   quantity * 1000, sold);
    hub_run_event(run, store, number, EVENT_RETURN_CREATED, data);
    hub_run_work(run);
}

void give_back(struct hub_run *run, int store, int number, const char *receipt, int quantity,
               int sold, const char *decision)
{
    give_back_under(run, store, number, receipt, quantity, sold, decision, "");
}

int64_t told_of(struct hub_run *run, const char *type)
{
    char sql[256];
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*) FROM event WHERE device = 'centre' AND type LIKE '%%%s%%'",
                   type);
    return hub_run_number(run, sql);
}
