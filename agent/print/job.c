#include "agent/print/job.h"
#include "hal/base/cleanup.h"

#include <time.h>

enum { ARENA_MAX_BYTES = 4 * 1024 * 1024 };

static int32_t utc_offset_minutes(int64_t at_ms)
{
    time_t at = (time_t)(at_ms / 1000);
    struct tm local;
    return localtime_r(&at, &local) ? (int32_t)(local.tm_gmtoff / 60) : 0;
}

static enum policy_language language_of(const struct job *job, const struct print *print)
{
    int given = print->language[0] ? word_find(policy_languages, print->language) : -1;
    return given < 0 ? job->language : (enum policy_language)given;
}

enum err job_compose(const struct job *job, const struct print *print, struct buf *out,
                     struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ARENA_MAX_BYTES);
    struct receipt receipt;
    enum err err = receipt_gather(job->reader, &print->return_id, &arena, &receipt, fault);
    if (err)
        return err;
    const struct print_setting *setting = job->setting;
    const struct layout layout = {
        .template = job->template,
        .store = job->store,
        .paper = setting->paper,
        .language = language_of(job, print),
        .utc_offset_minutes = utc_offset_minutes(receipt.at_ms),
        .copy = print->copy,
    };
    if (setting->drawer && !print->copy && receipt.cash && receipt.state == RECEIPT_ACCEPTED) {
        struct escpos e = {.out = out};
        escpos_drawer(&e, setting->drawer_second);
    }
    return layout_print(&layout, &receipt, out, fault);
}
