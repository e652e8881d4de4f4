/*
 * A receipt printer on a TCP port, or on a line (a pty): answers status requests as an Epson does,
 * and writes its paper as text to a file, so that one can watch it (tail -f). What came as bytes
 * goes to another file, for who wants to draw it. Lines of standard input make it go wrong:
 * "paper-out", "cover-open", "off" (a TCP line drops, the other stays; it answers nobody and prints
 * nothing) and "ready".
 */
#include "tests/sim/sim.h"

#include "hal/base/buf.h"
#include "hal/code_page.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { COLUMNS = 42, INPUT_MAX = 1024 * 1024, LINE_MAX_BYTES = 1024 };
enum { FINE = 0x12, COVER_OPEN = 0x16, NO_PAPER = 0x72 }; /* answers to DLE EOT */

struct paper {
    FILE *text;
    FILE *bytes;
    int listener;   /* -1 for a line */
    int connection; /* -1 for none */
    bool off;
    bool cover_open;
    bool paper_out;
    struct buf input; /* not yet understood */
    struct buf line;  /* of text, as it is so far */
    enum code_page page;
    int align; /* 0 left, 1 center, 2 right */
    bool large;
};

static void answer(const struct paper *p, unsigned char byte)
{
    if (p->connection >= 0)
        (void)!write(p->connection, &byte, 1);
}

static size_t columns_of(struct slice text)
{
    size_t columns = 0;
    for (size_t i = 0; i < text.len; i++)
        columns += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return columns;
}

static void end_line(struct paper *p)
{
    size_t columns = columns_of(buf_slice(&p->line)) * (p->large ? 2 : 1);
    size_t left = columns < COLUMNS ? COLUMNS - columns : 0;
    left = p->align == 0 ? 0 : p->align == 1 ? left / 2 : left;
    fprintf(p->text, "  %*s", (int)left, "");
    for (size_t i = 0; i < p->line.len; i++) {
        fputc(p->line.data[i], p->text);
        bool ends = i + 1 == p->line.len || ((unsigned char)p->line.data[i + 1] & 0xc0) != 0x80;
        if (p->large && ends)
            fputc(' ', p->text);
    }
    fputc('\n', p->text);
    buf_reset(&p->line);
}

static void print_code(struct paper *p, const char *kind, const char *data, size_t len)
{
    buf_printf(&p->line, "||| %s %.*s |||", kind, (int)len, data);
    end_line(p);
}

static void cut(struct paper *p)
{
    fprintf(p->text, "\n- - - - - - - - - - - - - - - - - - - - - - -\n\n");
    fflush(p->text);
    fflush(p->bytes);
}

/* --- Commands: how long each is, 0 while it isn't whole ----------------------------------------
 */

static size_t escape_command(struct paper *p, const unsigned char *at, size_t len)
{
    if (len < 2)
        return 0;
    size_t need = at[1] == '@' ? 2 : at[1] == 'p' ? 5 : 3;
    if (len < need)
        return 0;
    switch (at[1]) {
    case '@':
        p->page = CODE_PAGE_437;
        p->align = 0;
        p->large = false;
        break;
    case 't':
        p->page = code_page_of_epson(at[2]);
        break;
    case 'a':
        p->align = at[2];
        break;
    case 'd':
        for (int i = 0; i < at[2]; i++)
            end_line(p);
        break;
    case 'p':
        fprintf(p->text, "  (the drawer opens)\n");
        break;
    default:
        break;
    }
    return need;
}

/* GS ( k pL pH cn fn ...: function 80 brings the data. */
static size_t qr_command(struct paper *p, const unsigned char *at, size_t len)
{
    if (len < 5)
        return 0;
    size_t body = at[3] + 256U * at[4];
    if (len < 5 + body)
        return 0;
    if (body > 3 && at[6] == 80)
        print_code(p, "QR", (const char *)at + 8, body - 3);
    return 5 + body;
}

static size_t code128_command(struct paper *p, const unsigned char *at, size_t len)
{
    if (len < 4 || len < 4U + at[3])
        return 0;
    if (at[3] > 2)
        print_code(p, "CODE128", (const char *)at + 6, at[3] - 2U);
    return 4U + at[3];
}

static size_t raster_command(struct paper *p, const unsigned char *at, size_t len)
{
    if (len < 8)
        return 0;
    unsigned row = at[4] + 256U * at[5];
    unsigned rows = at[6] + 256U * at[7];
    if (len < 8 + (size_t)row * rows)
        return 0;
    buf_printf(&p->line, "[picture, %u by %u dots]", row * 8, rows);
    end_line(p);
    return 8 + (size_t)row * rows;
}

static size_t group_command(struct paper *p, const unsigned char *at, size_t len)
{
    if (len < 3)
        return 0;
    switch (at[1]) {
    case '(':
        return qr_command(p, at, len);
    case 'k':
        return code128_command(p, at, len);
    case 'v':
        return raster_command(p, at, len);
    case 'V':
        if (len < 4)
            return 0;
        cut(p);
        return 4;
    case '!':
        p->large = at[2] != 0;
        return 3;
    case 'r':
        answer(p, 0);
        return 3;
    default:
        return 3;
    }
}

/* Takes one command or character off the front. */
static size_t understand(struct paper *p, const unsigned char *at, size_t len)
{
    switch (at[0]) {
    case 0x10: /* DLE EOT was answered when it came */
        return len < 3 ? 0 : 3;
    case 0x1b:
        return escape_command(p, at, len);
    case 0x1d:
        return group_command(p, at, len);
    case '\n':
        end_line(p);
        return 1;
    default:
        code_page_read(p->page, at[0], &p->line);
        return 1;
    }
}

static void work_off(struct paper *p)
{
    size_t used;
    while (!p->paper_out && !p->cover_open && p->input.len &&
           (used = understand(p, (const unsigned char *)p->input.data, p->input.len)) > 0)
        buf_consume(&p->input, used);
}

/* Real-time requests are answered at once, whatever else waits. */
static void answer_real_time(const struct paper *p, const unsigned char *at, size_t len)
{
    for (size_t i = 0; i + 2 < len; i++) {
        if (at[i] != 0x10 || at[i + 1] != 0x04)
            continue;
        if (at[i + 2] == 4)
            answer(p, p->paper_out ? NO_PAPER : FINE);
        else
            answer(p, p->cover_open ? COVER_OPEN : FINE);
    }
}

/* --- Lines -------------------------------------------------------------------------------------
 */

static void hang_up(struct paper *p)
{
    if (p->listener >= 0 && p->connection >= 0) {
        (void)close(p->connection);
        p->connection = -1;
    }
    buf_reset(&p->input);
    buf_reset(&p->line);
}

static void take_bytes(struct paper *p)
{
    unsigned char bytes[4096];
    ssize_t got = read(p->connection, bytes, sizeof bytes);
    if (got <= 0 || p->off) {
        hang_up(p);
        return;
    }
    answer_real_time(p, bytes, (size_t)got);
    fwrite(bytes, 1, (size_t)got, p->bytes);
    buf_append(&p->input, bytes, (size_t)got);
    work_off(p);
}

static void take_connection(struct paper *p)
{
    int fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    hang_up(p);
    p->connection = fd;
    if (p->off)
        hang_up(p);
}

static void command(struct paper *p, const char *word)
{
    p->off = strcmp(word, "off") == 0;
    p->paper_out = strcmp(word, "paper-out") == 0;
    p->cover_open = strcmp(word, "cover-open") == 0;
    if (p->off)
        hang_up(p);
    if (strcmp(word, "ready") == 0)
        work_off(p);
}

static int listen_at(const char *where)
{
    char host[64];
    int port;
    if (!where || sscanf(where, "%63[^:]:%d", host, &port) != 2)
        return -1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || inet_pton(AF_INET, host, &address.sin_addr) != 1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4) != 0)
        return -1;
    return fd;
}

static void serve(struct paper *p)
{
    for (;;) {
        struct pollfd watched[] = {{.fd = p->listener, .events = POLLIN},
                                   {.fd = p->connection, .events = POLLIN},
                                   {.fd = STDIN_FILENO, .events = POLLIN}};
        if (poll(watched, 3, -1) < 0)
            return;
        char line[64];
        if (watched[2].revents && !fgets(line, sizeof line, stdin))
            return;
        if (watched[2].revents) {
            line[strcspn(line, "\r\n")] = '\0';
            command(p, line);
        }
        if (watched[1].revents)
            take_bytes(p);
        if (watched[0].revents)
            take_connection(p);
    }
}

int sim_printer(int argc, char **argv)
{
    const char *where = sim_option(argc, argv, "--listen", NULL);
    const char *link = sim_option(argc, argv, "--link", NULL);
    const char *text = sim_option(argc, argv, "--paper", NULL);
    struct paper paper = {.connection = link ? sim_port(link) : -1,
                          .listener = link ? -1 : listen_at(where)};
    if (!text || (paper.listener < 0 && paper.connection < 0)) {
        fputs("tillback-sim: printer needs --listen ADDRESS:PORT (a free one) or --link PATH, and "
              "--paper FILE\n",
              stderr);
        return 2;
    }
    paper.text = fopen(text, "a");
    paper.bytes = fopen(sim_option(argc, argv, "--bytes", "/dev/null"), "a");
    if (!paper.text || !paper.bytes) {
        perror(text);
        return 1;
    }
    buf_init(&paper.input, INPUT_MAX);
    buf_init(&paper.line, LINE_MAX_BYTES);
    setvbuf(stdin, NULL, _IONBF, 0);
    (void)signal(SIGPIPE, SIG_IGN);
    printf("ready printer=%s\n", link ? link : where);
    fflush(stdout);
    serve(&paper);
    return 0;
}
