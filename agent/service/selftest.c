#include "agent/service/selftest.h"
#include "agent/capture/capture.h"
#include "agent/capture/policy_file.h"
#include "agent/views/views.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/rfc3339.h"
#include "hal/storage.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SALE_MAX = 2048, ANSWER_MAX = 256 * 1024, PIECE_MINOR = 333 };

/* Three pieces for 10.00: the first that comes back is worth 3.33. */
static const char sale_text[] =
    "{\"receipt\":\"SELFTEST-1\",\"channel\":\"store\",\"store\":\"0000\",\"lane\":\"01\","
    "\"sold_at\":\"%s\",\"currency\":\"EUR\",\"prices_include_tax\":true,\"lines\":[{\"line\":1,"
    "\"sku\":\"selftest\",\"gtin\":\"04006381333931\",\"description\":\"Self-test\","
    "\"category\":\"apparel\",\"quantity\":3,\"unit\":\"each\",\"amount\":1000,\"tax\":[{\"type\":"
    "\"vat\",\"class\":\"standard\",\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":160}]}],"
    "\"tenders\":[{\"tender\":1,\"type\":\"cash\",\"amount\":1000}]}";
static const char return_text[] =
    "{\"receipt\":\"SELFTEST-1\",\"lines\":[{\"line\":1,\"quantity\":1,"
    "\"reason\":\"unwanted\",\"condition\":\"open_box\"}]}";

struct bench {
    char folder[STORAGE_SCRATCH_MAX];
    struct policy_file *policy;
    struct eventlog_view views[VIEWS_COUNT];
    struct eventlog_config config;
    struct eventlog *log;
    struct eventlog_reader *reader;
    struct capture *capture;
};

static enum err open_bench(struct bench *b, const char *policy_file, struct clock *clock,
                           struct fault *fault)
{
    enum err err = storage_make_scratch(b->folder, fault);
    if (err)
        return err;
    views_define(b->views);
    b->config = (struct eventlog_config){.folder = b->folder,
                                         .device_id = "selftest",
                                         .store = "0000",
                                         .clock = clock,
                                         .views = b->views,
                                         .view_count = VIEWS_COUNT};
    err = policy_file_open(&b->policy, policy_file, fault);
    if (!err)
        err = eventlog_open(&b->log, &b->config, fault);
    if (!err)
        err = eventlog_reader_open(&b->reader, &b->config, fault);
    const struct capture_config config = {.log = b->log,
                                          .clock = clock,
                                          .store = {"0000", "DE", "EUR"},
                                          .policy = err ? NULL : policy_file_policy(b->policy)};
    return err ? err : capture_open(&b->capture, &config, fault);
}

static void remove_files(const char *folder)
{
    char path[sizeof((struct bench *)0)->folder + sizeof((struct dirent *)0)->d_name + 1];
    DIR *dir = opendir(folder);
    for (const struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        (void)unlink(path); /* all are files, but for . and .. */
    }
    if (dir)
        (void)closedir(dir);
    (void)rmdir(folder);
}

static void close_bench(struct bench *b)
{
    eventlog_reader_close(b->reader);
    eventlog_close(b->log);
    capture_close(b->capture);
    policy_file_close(b->policy);
    if (b->folder[0])
        remove_files(b->folder);
}

struct saving {
    pthread_mutex_t mutex;
    pthread_cond_t done;
    bool over;
    enum err err;
    struct fault fault;
};

/* Writer thread. */
static void on_saved(void *context, const struct capture_answer *answer)
{
    struct saving *saving = context;
    pthread_mutex_lock(&saving->mutex);
    saving->err = answer->err;
    if (answer->err)
        saving->fault = *answer->fault;
    saving->over = true;
    pthread_cond_signal(&saving->done);
    pthread_mutex_unlock(&saving->mutex);
}

static enum err sell(struct bench *b, struct clock *clock, struct fault *fault)
{
    struct saving saving = {.mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    char sale[SALE_MAX];
    char time[RFC3339_TEXT + 1];
    rfc3339_format(clock_wall_ms(clock), time);
    (void)snprintf(sale, sizeof sale, sale_text, time);
    const struct capture_order order = {.kind = CAPTURE_SALE,
                                        .body = slice_of(sale),
                                        .key = {"", 0},
                                        .traceparent = {"", 0},
                                        .actor = {.lane = "01", .person = ""}};
    enum err err = capture_submit(b->capture, &order, on_saved, &saving, fault);
    if (err)
        return err;
    pthread_mutex_lock(&saving.mutex);
    while (!saving.over)
        pthread_cond_wait(&saving.done, &saving.mutex);
    pthread_mutex_unlock(&saving.mutex);
    if (saving.err)
        *fault = saving.fault;
    return saving.err;
}

static enum err quote(struct bench *b, struct finding *finding, struct fault *fault)
{
    const struct capture_question question = {.body = slice_of(return_text),
                                              .actor = {.lane = "01", .person = ""}};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct buf answer CLEANUP(buf_free);
    buf_init(&answer, ANSWER_MAX);
    enum err err = capture_quote(b->capture, b->reader, &question, &answer, fault);
    if (!err)
        err = json_parse(buf_slice(&answer), JSON_LIMITS_DEFAULT, &doc, fault);
    if (err)
        return err;
    const char *decision = json_member_text(doc, "decision");
    int64_t total = json_member_int(json_member(doc, "refund"), "total", 0);
    /* What a store's own policy makes of it is its own business; accepted, it is worth that. */
    if (!decision || (strcmp(decision, "accepted") == 0 && total != PIECE_MINOR))
        return fault_set(fault, ERR_CORRUPT, "quote", "a piece worth 3.33 was decided as %s, %lld",
                         decision ? decision : "nothing", (long long)total);
    finding_set(finding, FINDING_OK, "", "a return of a built-in sale was decided: %s, %lld",
                decision, (long long)total);
    return ERR_OK;
}

void selftest_quote(const char *policy_file, struct clock *clock, struct finding *finding)
{
    struct bench bench = {.folder = ""};
    struct fault fault = {0};
    enum err err = open_bench(&bench, policy_file, clock, &fault);
    if (!err)
        err = sell(&bench, clock, &fault);
    if (!err)
        err = quote(&bench, finding, &fault);
    if (err)
        finding_set(finding, FINDING_FAIL, "Look at the policy, and at the room in /tmp.", "%s%s%s",
                    fault.where, fault.where[0] ? ": " : "", fault.text);
    close_bench(&bench);
}
