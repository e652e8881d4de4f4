#include "tests/support/broker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_TRIES = 500, TRY_EVERY_NS = 10000000 };

static const char config_format[] = "user root\n"
                                    "persistence false\n"
                                    "log_dest stderr\n"
                                    "set_tcp_nodelay true\n"
                                    "max_inflight_messages 0\n"
                                    "max_queued_messages 0\n"
                                    "listener %u 127.0.0.1\n"
                                    "cafile %s/ca.pem\n"
                                    "crlfile %s/crl.pem\n"
                                    "certfile %s/%s.pem\n"
                                    "keyfile %s/%s-key.pem\n"
                                    "require_certificate true\n"
                                    "use_identity_as_username true\n"
                                    "use_username_as_clientid true\n"
                                    "allow_anonymous false\n"
                                    "acl_file %s/acl\n"
                                    "%s\n";

static const char acl[] = "pattern readwrite tb/v1/%u/#\n"
                          "pattern readwrite all/#\n"
                          "user hub\n"
                          "topic readwrite tb/v1/#\n";

static struct sockaddr_in local(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void give_up(const char *doing)
{
    perror(doing);
    exit(1);
}

uint16_t broker_free_port(void)
{
    struct sockaddr_in address = local(0);
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        give_up("a free port");
    close(fd);
    return ntohs(address.sin_port);
}

static bool answers(uint16_t port)
{
    struct sockaddr_in address = local(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return connected;
}

static void become_broker(const char *config, const char *log)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd >= 0) {
        (void)dup2(fd, 1);
        (void)dup2(fd, 2);
    }
    (void)execl("/usr/sbin/mosquitto", "mosquitto", "-c", config, (char *)NULL);
    _exit(127);
}

static void show(const char *log)
{
    char line[256];
    FILE *file = fopen(log, "r");
    while (file && fgets(line, sizeof line, file))
        (void)fputs(line, stderr);
    exit(1);
}

void broker_start(struct broker *broker, const struct tls_pki *pki, const char *server,
                  const char *extra)
{
    char config[SCRATCH_PATH_MAX];
    char log[SCRATCH_PATH_MAX];
    char path[SCRATCH_PATH_MAX];
    char text[4096];
    const char *folder = pki->scratch.path;
    broker->port = broker_free_port();
    (void)snprintf(broker->url, sizeof broker->url, "mqtts://localhost:%u", broker->port);
    int len = snprintf(text, sizeof text, config_format, broker->port, folder, folder, folder,
                       server, folder, server, folder, extra ? extra : "");
    scratch_write(tls_pki_path(pki, "mosquitto.conf", config), text, (size_t)len);
    scratch_write(tls_pki_path(pki, "acl", path), acl, sizeof acl - 1);
    tls_pki_path(pki, "mosquitto.log", log);
    broker->process = fork();
    if (broker->process < 0)
        give_up("fork");
    if (broker->process == 0)
        become_broker(config, log);
    for (int i = 0; i < START_TRIES; i++) {
        if (answers(broker->port))
            return;
        if (waitpid(broker->process, NULL, WNOHANG) != 0)
            break;
        (void)nanosleep(&(struct timespec){.tv_nsec = TRY_EVERY_NS}, NULL);
    }
    show(log);
}

void broker_kill(struct broker *broker)
{
    if (broker->process <= 0)
        return;
    (void)kill(broker->process, SIGKILL);
    (void)waitpid(broker->process, NULL, 0);
    broker->process = 0;
}
