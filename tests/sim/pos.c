#include "tests/sim/sim.h"

#include "hal/base/buf.h"
#include "hal/base/json.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { URL_MAX = 512, BODY_MAX = 64 * 1024, KEY_TEXT = 96, PIECES = 3 };

/* What all tills share. */
struct day {
    const char *url;
    const char *store;
    char authorization[160];
    long returns;
    long rate; /* returns a second over all tills; 0: as fast as it goes */
    long seed;
    FILE *record; /* a line for each return that was answered 201 */
    pthread_mutex_t lock;
    atomic_long next;
    atomic_long saved;
    atomic_long refused;
    struct timespec began;
};

struct till {
    struct day *day;
    int number;
    CURL *curl;
    struct buf answer;
};

static size_t collect(char *data, size_t size, size_t count, void *context)
{
    struct buf *out = context;
    buf_append(out, data, size * count);
    return size * count;
}

/* One POST; 0 when nothing answered. The same key is asked again until something does. */
static long post(struct till *till, const char *path, const char *key, const char *body)
{
    char url[URL_MAX];
    char key_header[KEY_TEXT + 32];
    (void)snprintf(url, sizeof url, "%s%s", till->day->url, path);
    (void)snprintf(key_header, sizeof key_header, "Idempotency-Key: %s", key);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, key_header);
    if (till->day->authorization[0])
        headers = curl_slist_append(headers, till->day->authorization);
    buf_reset(&till->answer);
    curl_easy_setopt(till->curl, CURLOPT_URL, url);
    curl_easy_setopt(till->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(till->curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(till->curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(till->curl, CURLOPT_WRITEDATA, &till->answer);
    curl_easy_setopt(till->curl, CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(till->curl, CURLOPT_NOSIGNAL, 1L);
    CURLcode code = curl_easy_perform(till->curl);
    long status = 0;
    if (code == CURLE_OK)
        curl_easy_getinfo(till->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    return status;
}

/* As a till does: what got no answer, or "ask again", is asked again with the same key. */
static long insist(struct till *till, const char *path, const char *key, const char *body)
{
    for (;;) {
        long status = post(till, path, key, body);
        if (status != 0 && status != 503)
            return status;
        struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
        (void)nanosleep(&pause, NULL);
    }
}

static void write_down(struct till *till, const char *receipt)
{
    struct cJSON *doc = NULL;
    if (json_parse(buf_slice(&till->answer), JSON_LIMITS_DEFAULT, &doc, NULL) != ERR_OK)
        return;
    const char *id = json_member_text(doc, "return_id");
    const char *number = json_member_text(doc, "number");
    if (till->day->record && id && number) {
        pthread_mutex_lock(&till->day->lock);
        fprintf(till->day->record, "%s %s %s\n", id, number, receipt);
        fflush(till->day->record);
        pthread_mutex_unlock(&till->day->lock);
    }
    json_free(doc);
}

static void sell(struct till *till, const char *receipt)
{
    char body[1024];
    char sold_at[32];
    char key[KEY_TEXT];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    (void)strftime(sold_at, sizeof sold_at, "%Y-%m-%dT%H:%M:%SZ", &utc);
    (void)snprintf(body, sizeof body,
                   "{\"receipt\":\"%s\",\"channel\":\"store\",\"store\":\"%s\",\"lane\":\"%02d\","
                   "\"sold_at\":\"%s\",\"currency\":\"EUR\",\"prices_include_tax\":true,\"lines\":"
                   "[{\"line\":1,\"sku\":\"4711\",\"gtin\":\"04006381333931\",\"description\":"
                   "\"Socks\",\"category\":\"apparel\",\"quantity\":%d,\"unit\":\"each\","
                   "\"amount\":1000,\"tax\":[{\"type\":\"vat\",\"class\":\"standard\","
                   "\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":160}],\"cost\":600}],"
                   "\"tenders\":[{\"tender\":1,\"type\":\"card\",\"amount\":1000,"
                   "\"reference\":\"tok_8f2\"}]}",
                   receipt, till->day->store, till->number, sold_at, PIECES);
    (void)snprintf(key, sizeof key, "sale-%s", receipt);
    (void)insist(till, "/v1/sales", key, body);
}

static void give_back(struct till *till, const char *receipt, long piece)
{
    char body[256];
    char key[KEY_TEXT];
    (void)snprintf(body, sizeof body,
                   "{\"receipt\":\"%s\",\"lines\":[{\"line\":1,\"quantity\":1,\"reason\":"
                   "\"unwanted\",\"condition\":\"new_sealed\"}]}",
                   receipt);
    (void)snprintf(key, sizeof key, "return-%s-%ld", receipt, piece);
    if (insist(till, "/v1/returns", key, body) == 201) {
        atomic_fetch_add(&till->day->saved, 1);
        write_down(till, receipt);
    } else {
        atomic_fetch_add(&till->day->refused, 1);
        fprintf(stderr, "refused: %s\n", till->answer.data ? till->answer.data : "");
    }
}

/* Waits until return `n` is due. */
static void keep_pace(const struct day *day, long n)
{
    if (day->rate <= 0)
        return;
    int64_t due_ns = (int64_t)n * 1000000000 / day->rate + day->began.tv_nsec;
    struct timespec until = {.tv_sec = day->began.tv_sec + due_ns / 1000000000,
                             .tv_nsec = (long)(due_ns % 1000000000)};
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* Each sale has three pieces, which come back one by one. */
static void *work(void *context)
{
    struct till *till = context;
    struct day *day = till->day;
    char receipt[64] = "";
    for (long piece = 0;; piece++) {
        long n = atomic_fetch_add(&day->next, 1);
        if (n >= day->returns)
            return NULL;
        keep_pace(day, n);
        if (piece % PIECES == 0) {
            (void)snprintf(receipt, sizeof receipt, "%s-%02d-%ld-%06ld", day->store, till->number,
                           day->seed, piece / PIECES);
            sell(till, receipt);
        }
        give_back(till, receipt, piece % PIECES);
    }
}

static int read_token(struct day *day, const char *path)
{
    char token[128];
    FILE *in = path ? fopen(path, "r") : NULL;
    if (!path)
        return 0;
    if (!in || !fgets(token, sizeof token, in)) {
        fprintf(stderr, "tillback-sim: %s: no token can be read there\n", path);
        if (in)
            fclose(in);
        return -1;
    }
    fclose(in);
    token[strcspn(token, "\r\n")] = '\0';
    (void)snprintf(day->authorization, sizeof day->authorization, "Authorization: Bearer %s",
                   token);
    return 0;
}

static void run_tills(struct day *day, int count)
{
    enum { TILLS_MAX = 64 };
    struct till tills[TILLS_MAX];
    pthread_t threads[TILLS_MAX];
    if (count > TILLS_MAX)
        count = TILLS_MAX;
    for (int i = 0; i < count; i++) {
        tills[i] = (struct till){.day = day, .number = i + 1, .curl = curl_easy_init()};
        buf_init(&tills[i].answer, BODY_MAX);
        if (pthread_create(&threads[i], NULL, work, &tills[i]) != 0)
            abort();
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        curl_easy_cleanup(tills[i].curl);
        buf_free(&tills[i].answer);
    }
}

int sim_pos(int argc, char **argv)
{
    struct day day = {
        .url = sim_option(argc, argv, "--url", NULL),
        .store = sim_option(argc, argv, "--store", "0042"),
        .returns = sim_number(argc, argv, "--returns", 30),
        .rate = sim_number(argc, argv, "--rate", 10),
        .seed = sim_number(argc, argv, "--seed", (long)time(NULL)),
    };
    const char *record = sim_option(argc, argv, "--record", NULL);
    if (!day.url) {
        fputs("tillback-sim: pos needs --url URL\n", stderr);
        return 2;
    }
    if (read_token(&day, sim_option(argc, argv, "--token-file", NULL)) != 0)
        return 1;
    if (record && !(day.record = fopen(record, "a"))) {
        perror(record);
        return 1;
    }
    pthread_mutex_init(&day.lock, NULL);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    clock_gettime(CLOCK_MONOTONIC, &day.began);
    run_tills(&day, (int)sim_number(argc, argv, "--tills", 2));
    printf("saved=%ld refused=%ld\n", atomic_load(&day.saved), atomic_load(&day.refused));
    if (day.record)
        fclose(day.record);
    curl_global_cleanup();
    return atomic_load(&day.refused) ? 1 : 0;
}
