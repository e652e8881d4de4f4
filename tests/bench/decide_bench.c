/*
 * The decision on a return of a 50-line sale, as the counter asks it: every line at once, half of
 * each already returned. No I/O: time, and what it takes from memory, are all there is. Prints them
 * as JSON.
 *
 *   decide_bench [ROUNDS]
 */
#include "agent/returns/decide.h"
#include "hal/storage.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LINES = 50, ROUNDS = 20000, POLICY_MAX = 1024 * 1024, ARENA_MAX = 64 * 1024 * 1024 };

struct bench {
    struct arena arena;
    struct cJSON *docs[3];
    struct policy policy;
    struct sale sale;
    struct return_request request;
    struct history history;
    struct facts facts;
};

static void must(enum err err, const struct fault *fault)
{
    if (err == ERR_OK)
        return;
    (void)fprintf(stderr, "decide_bench: %s: %s\n", fault->where, fault->text);
    exit(1);
}

static const struct cJSON *parse(struct bench *bench, size_t index, const struct buf *text)
{
    struct fault fault;
    struct json_limits limits = {.bytes = POLICY_MAX, .depth = 16};
    must(json_parse(buf_slice(text), limits, &bench->docs[index], &fault), &fault);
    return bench->docs[index];
}

static void write_sale(struct buf *out)
{
    buf_append_text(out,
                    "{\"receipt\":\"r-1\",\"channel\":\"store\",\"store\":\"0042\","
                    "\"lane\":\"01\",\"sold_at\":\"2026-11-20T10:11:12Z\",\"currency\":\"EUR\","
                    "\"prices_include_tax\":true,\"lines\":[");
    for (int i = 1; i <= LINES; i++)
        buf_printf(
            out,
            "%s{\"line\":%d,\"sku\":\"s%d\",\"category\":\"apparel/socks\",\"quantity\":4,"
            "\"unit\":\"each\",\"amount\":1000,\"cost\":600,\"tax\":[{\"type\":\"vat\","
            "\"class\":\"standard\",\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":160}]}",
            i > 1 ? "," : "", i, i);
    buf_printf(
        out,
        "],\"tenders\":[{\"tender\":1,\"type\":\"gift_card\",\"amount\":10000},{\"tender\":2,"
        "\"type\":\"card\",\"amount\":%d,\"reference\":\"tok_1\"}]}",
        LINES * 1000 - 10000);
}

static void write_request(struct buf *out)
{
    buf_append_text(out, "{\"receipt\":\"r-1\",\"lines\":[");
    for (int i = 1; i <= LINES; i++)
        buf_printf(out,
                   "%s{\"line\":%d,\"quantity\":2,\"reason\":\"unwanted\","
                   "\"condition\":\"open_box\"}",
                   i > 1 ? "," : "", i);
    buf_append_text(out, "]}");
}

static void prepare(struct bench *bench)
{
    struct fault fault;
    struct buf text;
    arena_init(&bench->arena, ARENA_MAX);
    buf_init(&text, POLICY_MAX);
    must(storage_read("agent/returns/policy.default.json", &text, &fault), &fault);
    must(policy_read(parse(bench, 0, &text), &bench->arena, &bench->policy, &fault), &fault);
    buf_reset(&text);
    write_sale(&text);
    must(sale_read(parse(bench, 1, &text), NULL, &bench->arena, &bench->sale, &fault), &fault);
    buf_reset(&text);
    write_request(&text);
    must(return_request_read(parse(bench, 2, &text), NULL, &bench->arena, &bench->request, &fault),
         &fault);
    buf_free(&text);
    bench->facts = (struct facts){
        .now_ms = INT64_C(1795348800000),
        .clock_trusted = true,
        .manager = true,
        .store = "0042",
        .country = "DE",
        .currency = "EUR",
    };
    must(history_init(&bench->sale, &bench->arena, &bench->history, &fault), &fault);
}

static struct decision decide(const struct bench *bench, struct arena *arena)
{
    struct decide_input in = {
        .sale = &bench->sale,
        .history = &bench->history,
        .request = &bench->request,
        .policy = &bench->policy,
        .facts = &bench->facts,
    };
    struct fault fault;
    struct decision decision;
    must(returns_decide(&in, arena, &decision, &fault), &fault);
    return decision;
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

struct cost {
    double us;
    size_t bytes; /* handed out by the arena */
    size_t heap;  /* taken from malloc to hold them */
};

static struct cost measure_one(const struct bench *bench)
{
    struct arena arena;
    arena_init(&arena, ARENA_MAX);
    size_t before = mallinfo2().uordblks;
    double began = now_us();
    struct decision decision = decide(bench, &arena);
    struct cost cost = {
        .us = now_us() - began, .bytes = arena.used, .heap = mallinfo2().uordblks - before};
    if (decision.outcome != OUTCOME_ACCEPTED)
        must(ERR_REFUSED, &(struct fault){.where = "decision", .text = "was not accepted"});
    arena_free(&arena);
    return cost;
}

static void report(const struct bench *bench, size_t rounds)
{
    double *times = calloc(rounds, sizeof *times);
    if (!times)
        exit(1);
    struct cost cost = {0};
    for (size_t i = 0; i < rounds; i++) {
        cost = measure_one(bench);
        times[i] = cost.us;
    }
    qsort(times, rounds, sizeof *times, by_size);
    (void)printf("{\"lines\":%d,\"decisions\":%zu,\"p50_us\":%.1f,\"p99_us\":%.1f,"
                 "\"arena_bytes\":%zu,\"heap_bytes\":%zu}\n",
                 LINES, rounds, times[rounds / 2], times[rounds * 99 / 100], cost.bytes, cost.heap);
    free(times);
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : ROUNDS;
    static struct bench bench;
    prepare(&bench);
    struct arena arena;
    arena_init(&arena, ARENA_MAX);
    struct fault fault;
    struct decision first = decide(&bench, &arena);
    must(history_add(&bench.history, &bench.sale, &first, &fault), &fault);
    report(&bench, rounds > 0 ? (size_t)rounds : ROUNDS);
    arena_free(&arena);
    arena_free(&bench.arena);
    for (size_t i = 0; i < 3; i++)
        json_free(bench.docs[i]);
    return 0;
}
