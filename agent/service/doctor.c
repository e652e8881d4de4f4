#include "agent/service/doctor.h"
#include "agent/service/check.h"

/* In this order: what stands further down needs what stands above it. */
static const struct {
    const char *id;
    check_run *run;
} checks[] = {
    {"power", check_power},         {"disk", check_disk},         {"database", check_database},
    {"clock", check_clock},         {"identity", check_identity}, {"crl", check_crl},
    {"link", check_link},           {"dns", check_dns},           {"proxy", check_proxy},
    {"port", check_port},           {"tls_chain", check_chain},   {"tls_name", check_name},
    {"tls_expiry", check_expiry},   {"mqtt", check_mqtt},         {"topics", check_topics},
    {"watermark", check_watermark}, {"scanner", check_scanners},  {"printer", check_printers},
};

static void find_broker(struct examination *x)
{
    const struct doctor_subject *s = x->subject;
    const char *proxy = settings_text(s->settings, "broker.proxy");
    const char *url = s->member && s->member->broker_url[0]
                          ? s->member->broker_url
                          : settings_text(s->settings, "broker.url");
    x->has_broker = url && url_parse(url, "broker.url", 8883, &x->broker, &x->dial) == ERR_OK;
    x->has_proxy = proxy && url_parse(proxy, "broker.proxy", 3128, &x->proxy, &x->dial) == ERR_OK;
}

void doctor_run(const struct doctor_subject *subject, struct findings *findings)
{
    struct examination x = {.subject = subject, .findings = findings};
    find_broker(&x);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        x.at = findings_add(findings, checks[i].id, "");
        checks[i].run(&x);
    }
}

/* --- Waiting --------------------------------------------------------------------------------- */

static void too_late(void *context)
{
    struct wait *wait = context;
    (void)fault_set(&wait->fault, ERR_TIMEOUT, "", "it took too long");
    wait->over = true;
    loop_stop(wait->loop);
}

enum err wait_open(struct wait *wait, struct fault *fault)
{
    *wait = (struct wait){.over = false};
    enum err err = loop_open(&wait->loop, fault);
    if (!err && !(wait->timer = loop_timer_open(wait->loop, too_late, wait)))
        err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (err)
        wait_close(wait);
    return err;
}

void wait_close(struct wait *wait)
{
    loop_timer_close(wait->timer);
    if (wait->loop)
        loop_close(wait->loop);
    wait->timer = NULL;
    wait->loop = NULL;
}

void wait_run(struct wait *wait, int64_t timeout_ms)
{
    if (wait->over)
        return;
    loop_timer_start(wait->timer, timeout_ms, 0);
    loop_run(wait->loop);
    loop_timer_stop(wait->timer);
}

void wait_end(struct wait *wait, const struct fault *fault)
{
    wait->over = true;
    if (fault)
        wait->fault = *fault;
    loop_stop(wait->loop);
}
