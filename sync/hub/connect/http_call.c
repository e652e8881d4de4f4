#include "sync/hub/connect/http_call.h"
#include "hal/base/cleanup.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 20000, CONNECT_MS = 5000, HEADER_MAX = 8 * 1024, RETRY_AFTER_MOST_S = 3600 };

struct http_call {
    CURL *curl;
    char *ca_file;
    int64_t timeout_ms;
};

static bool is_this_machine(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           strncmp(host, "127.", 4) == 0;
}

static void url_cleanup(CURLU **url)
{
    curl_url_cleanup(*url);
}

enum err http_call_check_url(const char *url, struct fault *fault)
{
    CURLU *parts CLEANUP(url_cleanup) = curl_url();
    char *scheme = NULL;
    char *host = NULL;
    bool known = parts && strlen(url) < HTTP_URL_MAX &&
                 curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                 curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                 curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    bool may = known && (strcmp(scheme, "https") == 0 ||
                         (strcmp(scheme, "http") == 0 && is_this_machine(host)));
    curl_free(scheme);
    curl_free(host);
    return may ? ERR_OK
               : fault_set(fault, ERR_INVALID, "url",
                           "must be https://..., or http:// to this machine");
}

enum err http_call_open(struct http_call **out, const struct http_call_config *config,
                        struct fault *fault)
{
    struct http_call *call = calloc(1, sizeof *call);
    if (!call)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    call->curl = curl_easy_init();
    call->timeout_ms = config->timeout_ms ? config->timeout_ms : TIMEOUT_MS;
    call->ca_file = config->ca_file ? strdup(config->ca_file) : NULL;
    if (!call->curl || (config->ca_file && !call->ca_file)) {
        http_call_close(call);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    *out = call;
    return ERR_OK;
}

void http_call_close(struct http_call *call)
{
    if (!call)
        return;
    curl_easy_cleanup(call->curl);
    free(call->ca_file);
    free(call);
}

static size_t collect(char *data, size_t size, size_t count, void *context)
{
    struct buf *out = context;
    buf_append(out, data, size * count);
    return out->failed ? 0 : size * count;
}

static void headers_cleanup(struct curl_slist **headers)
{
    curl_slist_free_all(*headers);
}

static enum err write_headers(const struct http_request *request, struct curl_slist **headers,
                              struct fault *fault)
{
    char line[HEADER_MAX];
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_call_header *header = &request->headers[i];
        int len = snprintf(line, sizeof line, "%s: %s", header->name, header->value);
        if (len < 0 || (size_t)len >= sizeof line || strpbrk(line, "\r\n"))
            return fault_set(fault, ERR_INVALID, header->name, "is no header's value");
        struct curl_slist *longer = curl_slist_append(*headers, line);
        if (!longer)
            return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
        *headers = longer;
    }
    return ERR_OK;
}

/* Whatever went wrong after the first byte of the request: who knows what came of it. */
static enum err explain(CURL *curl, CURLcode code, struct fault *fault)
{
    long sent = 0;
    char *url = NULL;
    char host[FAULT_WHERE_MAX];
    curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &sent);
    curl_easy_getinfo(curl, CURLINFO_EFFECTIVE_URL, &url);
    (void)snprintf(host, sizeof host, "%.100s", url ? url : "");
    host[strcspn(host, "?")] = '\0';
    if (sent > 0)
        return fault_set(fault, ERR_UNKNOWN_OUTCOME, host,
                         "was asked, and no whole answer came: %s", curl_easy_strerror(code));
    bool tls = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
               code == CURLE_SSL_CACERT_BADFILE;
    return fault_set(fault, tls ? ERR_TLS : ERR_UNREACHABLE, host, "can't be reached: %s",
                     curl_easy_strerror(code));
}

static void set_options(struct http_call *call, const struct http_request *request,
                        struct curl_slist *headers, struct buf *body)
{
    CURL *curl = call->curl;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    if (call->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, call->ca_file);
    if (strcmp(request->method, "GET") == 0)
        return;
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.data);
}

enum err http_call_run(struct http_call *call, const struct http_request *request,
                       struct http_answer *answer, struct fault *fault)
{
    struct curl_slist *headers CLEANUP(headers_cleanup) = NULL;
    long status = 0;
    curl_off_t retry_after_s = 0;
    answer->retry_after_ms = 0;
    enum err err = http_call_check_url(request->url, fault);
    if (!err)
        err = write_headers(request, &headers, fault);
    if (err)
        return err;
    buf_reset(&answer->body);
    set_options(call, request, headers, &answer->body);
    CURLcode code = curl_easy_perform(call->curl);
    if (code != CURLE_OK)
        return explain(call->curl, code, fault);
    curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
    answer->status = (int)status;
    answer->retry_after_ms = retry_after_s < RETRY_AFTER_MOST_S ? (int64_t)retry_after_s * 1000
                                                                : RETRY_AFTER_MOST_S * 1000;
    return ERR_OK;
}
