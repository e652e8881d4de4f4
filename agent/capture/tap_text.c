#include "agent/capture/tap_text.h"

enum { ESC = 0x1b, GS = 0x1d, FS = 0x1c, DLE = 0x10, LF = 0x0a, HT = 0x09, FF = 0x0c };

/* What follows a command's parameters, and what it does to the text. */
enum effect {
    PLAIN,
    RESET,
    PAGE,    /* the parameter is a code page */
    FEED,    /* ends the line */
    CUT,     /* ends the receipt */
    CUT_GS,  /* as CUT, with one more parameter from 'A' on */
    LIST,    /* data up to a NUL */
    SIZED,   /* data of as many bytes as the last two parameters say */
    IMAGE,   /* ESC *: columns of one or three bytes */
    RASTER,  /* GS v 0: bytes a row, rows */
    PATTERN, /* GS *: eight bytes for each of x times y */
    BARCODE, /* GS k: up to a NUL, or counted from 'A' on */
};

/* Epson, ESC/POS Command Reference: bytes after the first two. */
static const struct command {
    unsigned char lead;
    char name;
    unsigned char parameters;
    enum effect effect;
} commands[] = {
    {ESC, '@', 0, RESET},  {ESC, 't', 1, PAGE},  {ESC, 'd', 1, FEED},  {ESC, 'J', 1, FEED},
    {ESC, 'i', 0, CUT},    {ESC, 'm', 0, CUT},   {ESC, 'D', 0, LIST},  {ESC, '*', 3, IMAGE},
    {ESC, '!', 1, PLAIN},  {ESC, 'a', 1, PLAIN}, {ESC, 'E', 1, PLAIN}, {ESC, 'G', 1, PLAIN},
    {ESC, '-', 1, PLAIN},  {ESC, 'M', 1, PLAIN}, {ESC, 'R', 1, PLAIN}, {ESC, 'V', 1, PLAIN},
    {ESC, 'r', 1, PLAIN},  {ESC, '{', 1, PLAIN}, {ESC, ' ', 1, PLAIN}, {ESC, '3', 1, PLAIN},
    {ESC, 'c', 2, PLAIN},  {ESC, 'p', 3, PLAIN}, {ESC, '$', 2, PLAIN}, {ESC, '\\', 2, PLAIN},
    {ESC, '%', 1, PLAIN},  {ESC, '?', 1, PLAIN}, {ESC, '=', 1, PLAIN}, {ESC, 'W', 8, PLAIN},
    {ESC, 'T', 1, PLAIN},  {ESC, 'U', 1, PLAIN}, {ESC, 'K', 1, FEED},  {ESC, 'e', 1, FEED},
    {ESC, 'u', 1, PLAIN},  {ESC, 'f', 2, PLAIN}, {ESC, '(', 3, SIZED}, {GS, 'V', 1, CUT_GS},
    {GS, 'k', 1, BARCODE}, {GS, '(', 3, SIZED},  {GS, 'v', 6, RASTER}, {GS, '*', 2, PATTERN},
    {GS, '!', 1, PLAIN},   {GS, 'B', 1, PLAIN},  {GS, 'H', 1, PLAIN},  {GS, 'f', 1, PLAIN},
    {GS, 'h', 1, PLAIN},   {GS, 'w', 1, PLAIN},  {GS, 'L', 2, PLAIN},  {GS, 'W', 2, PLAIN},
    {GS, 'P', 2, PLAIN},   {GS, '/', 1, PLAIN},  {GS, 'a', 1, PLAIN},  {GS, 'r', 1, PLAIN},
    {GS, 'I', 1, PLAIN},   {GS, '$', 2, PLAIN},  {GS, '\\', 2, PLAIN}, {GS, '^', 3, PLAIN},
    {GS, 'T', 1, PLAIN},   {GS, 'b', 1, PLAIN},  {GS, 'E', 1, PLAIN},  {FS, 'p', 2, PLAIN},
    {FS, '!', 1, PLAIN},   {FS, 'C', 1, PLAIN},  {FS, '-', 1, PLAIN},  {FS, 'S', 2, PLAIN},
    {FS, 'W', 1, PLAIN},   {FS, '(', 3, SIZED},  {DLE, 4, 1, PLAIN},   {DLE, 5, 1, PLAIN},
    {DLE, 0x14, 3, PLAIN},
};

void tap_text_init(struct tap_text *tap, enum code_page page)
{
    *tap = (struct tap_text){.first = page, .page = page};
    buf_init(&tap->text, TAP_RECEIPT_MAX);
}

void tap_text_free(struct tap_text *tap)
{
    buf_free(&tap->text);
}

static bool is_lead(unsigned char byte)
{
    return byte == ESC || byte == GS || byte == FS || byte == DLE;
}

static const struct command *command_of(const unsigned char *header)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (commands[i].lead == header[0] && (unsigned char)commands[i].name == header[1])
            return &commands[i];
    return NULL;
}

static uint64_t pair(const unsigned char *at)
{
    return (uint64_t)at[0] | (uint64_t)at[1] << 8;
}

/* The whole header is there; true if a cut follows at once. */
static bool obey(struct tap_text *tap, const struct command *command)
{
    const unsigned char *p = tap->header + 2;
    switch (command->effect) {
    case RESET:
        tap->page = tap->first;
        return false;
    case PAGE:
        tap->page = code_page_of_epson(p[0]);
        return false;
    case FEED:
        buf_append_char(&tap->text, '\n');
        return false;
    case CUT:
        return true;
    case CUT_GS:
        tap->cut_after = p[0] >= 'A';
        tap->skip = tap->cut_after ? 1 : 0;
        return !tap->cut_after;
    case LIST:
        tap->until_nul = true;
        return false;
    case SIZED:
        tap->skip = pair(p + 1);
        return false;
    case IMAGE:
        tap->skip = pair(p + 1) * (p[0] >= 32 ? 3 : 1);
        return false;
    case RASTER:
        tap->skip = pair(p + 2) * pair(p + 4);
        return false;
    case PATTERN:
        tap->skip = (uint64_t)p[0] * p[1] * 8;
        return false;
    case BARCODE:
        tap->until_nul = p[0] < 'A';
        tap->skip = p[0] < 'A' ? 0 : p[1];
        return false;
    default:
        return false;
    }
}

/* The parameters of a command, once enough of it is there to know. */
static size_t header_size(const struct tap_text *tap, const struct command *command)
{
    bool counted = command->effect == BARCODE && tap->header_len > 2 && tap->header[2] >= 'A';
    return 2 + (size_t)command->parameters + (counted ? 1 : 0);
}

static bool take_header(struct tap_text *tap, unsigned char byte)
{
    tap->header[tap->header_len++] = byte;
    if (tap->header_len < 2)
        return false;
    const struct command *command = command_of(tap->header);
    if (command && tap->header_len < header_size(tap, command))
        return false;
    bool cut = command && obey(tap, command);
    tap->header_len = 0;
    return cut;
}

static bool take_data(struct tap_text *tap, unsigned char byte)
{
    if (tap->until_nul)
        tap->until_nul = byte != 0;
    else
        tap->skip--;
    bool cut = !tap->until_nul && tap->skip == 0 && tap->cut_after;
    if (cut)
        tap->cut_after = false;
    return cut;
}

/* True if this byte ends a receipt. */
static bool take_byte(struct tap_text *tap, unsigned char byte)
{
    if (tap->until_nul || tap->skip)
        return take_data(tap, byte);
    if (tap->header_len || is_lead(byte))
        return take_header(tap, byte);
    if (byte == LF || byte == FF)
        buf_append_char(&tap->text, '\n');
    else if (byte == HT)
        buf_append_char(&tap->text, ' ');
    else if (byte >= 0x20 && byte != 0x7f)
        code_page_read(tap->page, byte, &tap->text);
    return false;
}

bool tap_text_take(struct tap_text *tap, struct slice *input)
{
    if (tap->told)
        buf_reset(&tap->text);
    tap->told = false;
    while (input->len) {
        unsigned char byte = (unsigned char)*input->data;
        *input = (struct slice){input->data + 1, input->len - 1};
        tap->told = take_byte(tap, byte);
        if (tap->told)
            return true;
    }
    return false;
}
