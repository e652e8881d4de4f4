#include "sync/transport/download.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CONNECT_MS = 15000,
    STALL_S = 60,
    BUFFER_LEAST = 1024,
    BUFFER_MOST = 16 * 1024,
    SYNC_EVERY = 4 * 1024 * 1024,
    HTTP_OK = 200,
    HTTP_PARTIAL = 206,
    HTTP_NOT_FOUND = 404,
    HTTP_GONE = 410,
    HTTP_RANGE = 416,
    HTTP_SERVER = 500,
};

/* A download on its way. */
struct transfer {
    const struct download *download;
    CURL *curl;
    int fd;
    int64_t began_at; /* bytes that were there */
    int64_t bytes;    /* that are there */
    int64_t synced;
    bool answered; /* the first byte of a body that is wanted has come */
    enum err err;
    struct fault *fault;
};

static bool is_stopped(const struct transfer *t)
{
    return t->download->stop && __atomic_load_n(t->download->stop, __ATOMIC_RELAXED);
}

/* A server that knows no ranges sends all from the start. */
static enum err take_status(struct transfer *t)
{
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == HTTP_OK && t->bytes) {
        if (ftruncate(t->fd, 0) != 0 || lseek(t->fd, 0, SEEK_SET) != 0)
            return fault_errno(t->fault, errno, t->download->path, "begin anew");
        t->bytes = t->synced = 0;
    }
    t->answered = true;
    return ERR_OK;
}

static enum err write_all(struct transfer *t, const char *data, size_t size)
{
    while (size) {
        ssize_t wrote = write(t->fd, data, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return fault_errno(t->fault, errno, t->download->path, "write");
        data += wrote;
        size -= (size_t)wrote;
        t->bytes += wrote;
    }
    if (t->bytes - t->synced < SYNC_EVERY)
        return ERR_OK;
    t->synced = t->bytes;
    return fdatasync(t->fd) == 0 ? ERR_OK : fault_errno(t->fault, errno, t->download->path, "sync");
}

static size_t on_body(char *data, size_t one, size_t size, void *context)
{
    struct transfer *t = context;
    (void)one;
    if (!t->answered)
        t->err = take_status(t);
    if (!t->err && t->bytes + (int64_t)size > t->download->bytes_max)
        t->err = fault_set(t->fault, ERR_TOO_LARGE, t->download->url, "is more than %lld bytes",
                           (long long)t->download->bytes_max);
    if (!t->err)
        t->err = write_all(t, data, size);
    return t->err ? 0 : size;
}

static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total,
                       curl_off_t up)
{
    struct transfer *t = context;
    (void)now;
    (void)up_total;
    (void)up;
    if (is_stopped(t))
        return 1;
    if (t->download->progress && t->answered)
        t->download->progress(t->download->context, t->bytes, total ? t->began_at + total : 0);
    return 0;
}

/* libcurl looks at the rate after a hundred buffers: together no more than a second's bytes. */
static long buffer_bytes(int64_t bytes_per_s)
{
    int64_t bytes = bytes_per_s / 100;
    return bytes < BUFFER_LEAST ? BUFFER_LEAST : bytes < BUFFER_MOST ? (long)bytes : BUFFER_MOST;
}

static void set_options(struct transfer *t, char range[static 32])
{
    CURL *curl = t->curl;
    const struct download *d = t->download;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_URL, d->url);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L); /* nothing of an error's page is written */
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)(d->stall_s ? d->stall_s : STALL_S));
    if (d->bytes_per_s) {
        curl_easy_setopt(curl, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)d->bytes_per_s);
        curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, buffer_bytes(d->bytes_per_s));
    }
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    if (d->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, d->ca_file);
    if (!t->bytes)
        return;
    (void)snprintf(range, 32, "%lld-", (long long)t->bytes);
    curl_easy_setopt(curl, CURLOPT_RANGE, range); /* RESUME_FROM would refuse a 200 */
}

static enum err explain_status(const struct transfer *t, long status)
{
    const char *url = t->download->url;
    if (status == HTTP_RANGE) /* nothing is left to send */
        return ERR_OK;
    if (status >= HTTP_SERVER)
        return fault_set(t->fault, ERR_UNREACHABLE, url, "the server answered %ld", status);
    if (status == HTTP_NOT_FOUND || status == HTTP_GONE)
        return fault_set(t->fault, ERR_NOT_FOUND, url, "isn't there (status %ld)", status);
    return fault_set(t->fault, ERR_REFUSED, url, "the server answered %ld", status);
}

static enum err explain(const struct transfer *t, CURLcode code)
{
    const char *url = t->download->url;
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    if (t->err)
        return t->err;
    if (is_stopped(t))
        return fault_set(t->fault, ERR_CLOSED, url, "was stopped");
    if (code == CURLE_HTTP_RETURNED_ERROR)
        return explain_status(t, status);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return fault_set(t->fault, ERR_TIMEOUT, url, "nothing came for too long");
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
        code == CURLE_SSL_CACERT_BADFILE)
        return fault_set(t->fault, ERR_TLS, url, "%s", curl_easy_strerror(code));
    if (code != CURLE_OK)
        return fault_set(t->fault, ERR_UNREACHABLE, url, "%s", curl_easy_strerror(code));
    /* A redirect, say. */
    return status == HTTP_OK || status == HTTP_PARTIAL ? ERR_OK : explain_status(t, status);
}

static enum err open_file(struct transfer *t)
{
    struct stat info;
    const char *path = t->download->path;
    t->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (t->fd < 0 || fstat(t->fd, &info) != 0)
        return fault_errno(t->fault, errno, path, "open");
    t->began_at = t->bytes = t->synced = info.st_size;
    return ERR_OK;
}

enum err download_run(const struct download *download, struct fault *fault)
{
    char range[32];
    struct transfer t = {.download = download, .fd = -1, .fault = fault};
    enum err err = open_file(&t);
    if (!err && !(t.curl = curl_easy_init()))
        err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (!err) {
        set_options(&t, range);
        err = explain(&t, curl_easy_perform(t.curl));
    }
    /* What came is kept, whatever ended it. */
    if (t.fd >= 0 && fdatasync(t.fd) != 0 && !err)
        err = fault_errno(fault, errno, download->path, "sync");
    curl_easy_cleanup(t.curl);
    if (t.fd >= 0)
        (void)close(t.fd);
    return err;
}
