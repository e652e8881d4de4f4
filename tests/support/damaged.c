#include "tests/support/damaged.h"
#include "hal/base/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

void damaged_fill(struct log_fixture *f)
{
    for (int i = 0; i < DAMAGED_EVENTS; i++) {
        struct log_command c;
        char key[16];
        (void)snprintf(key, sizeof key, "key-%d", i);
        log_command_make(&c, f, i % 3 ? EVENT_RETURN_CREATED : EVENT_SALE_RECORDED, 1);
        log_command_key(&c, key, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        c.correlation = log_fixture_id((uint8_t)i);
        c.padding = i % 5 == 4 ? 15000 : 600;
        log_command_submit(&c);
        assert_int_equal(log_command_await(&c), ERR_OK);
    }
    struct buf body CLEANUP(buf_free);
    buf_init(&body, 65536);
    log_fixture_message(&body, 200, log_fixture_id(1));
    assert_int_equal(log_fixture_receive(f, 1, 1, buf_slice(&body)), ERR_OK);
}

int damaged_quarantines(struct log_fixture *f)
{
    int n = 0;
    DIR *dir = opendir(f->scratch.path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[SCRATCH_PATH_MAX + 300];
        if (strncmp(entry->d_name, "quarantine-", 11) != 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s/tillback.db", f->scratch.path, entry->d_name);
        n += access(path, F_OK) == 0;
    }
    (void)closedir(dir);
    return n;
}

/* Every finding but those of kind "lost". */
static void count_finding(void *context, const struct eventlog_finding *finding)
{
    if (strcmp(finding->what, "lost") == 0)
        return;
    print_message("%s: %s\n", finding->what, finding->text);
    ++*(int *)context;
}

int damaged_findings(struct log_fixture *f)
{
    int findings = 0;
    int64_t events;
    if (eventlog_verify(&f->config, count_finding, &findings, &events, &f->fault))
        findings++;
    return findings;
}

void damaged_works(struct log_fixture *f)
{
    int64_t head = log_fixture_stream(f, STREAM_RETURNS).head;
    assert_int_equal(log_fixture_append(f, EVENT_RETURN_CREATED, 1), head + 1);
    assert_int_equal(damaged_findings(f), 0);
    log_fixture_reopen(f);
    assert_int_equal(log_fixture_stream(f, STREAM_RETURNS).head, head + 1);
}

void damaged_overwrite(struct log_fixture *f, const char *name, off_t at, int byte, size_t len)
{
    char path[SCRATCH_PATH_MAX];
    scratch_path(&f->scratch, name, path);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    char *bytes = malloc(len);
    memset(bytes, byte, len);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    free(bytes);
    assert_int_equal(close(fd), 0);
}

off_t damaged_size(struct log_fixture *f, const char *name)
{
    char path[SCRATCH_PATH_MAX];
    struct stat info;
    scratch_path(&f->scratch, name, path);
    return stat(path, &info) == 0 ? info.st_size : 0;
}
