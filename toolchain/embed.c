/*
 * Turns files into C at build time.
 *
 *   embed sql  NAME FILE...   named statements ("-- name: event_insert") as an enum and a table
 *   embed files NAME FILE...  whole files as a table of path, bytes and length
 *   embed pages NAME FILE...  the same, and each packed by gzip (RFC 1952) beside it
 *
 * Writes to standard output. Exits 1 with a sentence when a file can't be read.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static char *read_whole(const char *path, size_t *len)
{
    FILE *in = fopen(path, "rb");
    if (!in || fseek(in, 0, SEEK_END) != 0) {
        fprintf(stderr, "embed: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    long size = ftell(in);
    rewind(in);
    char *text = malloc((size_t)size + 1);
    if (!text || fread(text, 1, (size_t)size, in) != (size_t)size) {
        fprintf(stderr, "embed: %s: can't be read\n", path);
        exit(1);
    }
    fclose(in);
    text[size] = '\0';
    *len = (size_t)size;
    return text;
}

static void print_upper(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        putchar(isalnum((unsigned char)text[i]) ? toupper((unsigned char)text[i]) : '_');
}

/* As a string literal, a line for a line: compilers read it far faster than numbers. */
static void print_quoted(const char *text, size_t len)
{
    putchar('"');
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '\n')
            fputs(i + 1 < len ? "\\n\"\n\"" : "\\n", stdout);
        else if (strchr("\"\\?", byte) && byte) /* "??" would begin a trigraph */
            printf("\\%c", byte);
        else if (byte < ' ' || byte > '~')
            printf("\\%03o", byte);
        else
            putchar(byte);
    }
    putchar('"');
}

static const char marker[] = "-- name: ";

/* Calls back with each statement's name and text. */
static void each_statement(const char *text,
                           void (*emit)(const char *prefix, const char *name, size_t name_len,
                                        const char *sql, size_t sql_len),
                           const char *prefix)
{
    const char *at = strstr(text, marker);
    while (at) {
        const char *name = at + strlen(marker);
        size_t name_len = strcspn(name, "\n");
        const char *sql = name + name_len;
        const char *next = strstr(sql, marker);
        size_t sql_len = next ? (size_t)(next - sql) : strlen(sql);
        while (sql_len && isspace((unsigned char)sql[sql_len - 1]))
            sql_len--;
        while (sql_len && isspace((unsigned char)*sql)) {
            sql++;
            sql_len--;
        }
        emit(prefix, name, name_len, sql, sql_len);
        at = next;
    }
}

static void emit_enum(const char *prefix, const char *name, size_t name_len, const char *sql,
                      size_t sql_len)
{
    (void)sql;
    (void)sql_len;
    fputs("    ", stdout);
    print_upper(prefix, strlen(prefix));
    putchar('_');
    print_upper(name, name_len);
    fputs(",\n", stdout);
}

static void emit_text(const char *prefix, const char *name, size_t name_len, const char *sql,
                      size_t sql_len)
{
    (void)prefix;
    printf("    {\"%.*s\", ", (int)name_len, name);
    print_quoted(sql, sql_len);
    fputs("},\n", stdout);
}

static void embed_sql(const char *prefix, int count, char **paths)
{
    fputs("/* Made by toolchain/embed. */\n#include \"hal/database.h\"\nenum {\n", stdout);
    char **texts = calloc((size_t)count, sizeof *texts);
    size_t len;
    for (int i = 0; i < count; i++) {
        texts[i] = read_whole(paths[i], &len);
        each_statement(texts[i], emit_enum, prefix);
    }
    fputs("    ", stdout);
    print_upper(prefix, strlen(prefix));
    printf("_COUNT,\n};\nstatic const struct database_sql %s_sql[] = {\n", prefix);
    for (int i = 0; i < count; i++) {
        each_statement(texts[i], emit_text, prefix);
        free(texts[i]);
    }
    fputs("};\n", stdout);
    free(texts);
}

/* No time and no name go into it: the same file always gives the same bytes. */
static unsigned char *pack(const char *text, size_t len, size_t *packed_len)
{
    enum { GZIP_WINDOW = 15 + 16, MEMORY = 9 };
    z_stream z = {.next_in = (z_const Bytef *)text, .avail_in = (uInt)len};
    unsigned char *packed = NULL;
    if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) ==
        Z_OK)
        packed = malloc(deflateBound(&z, (uLong)len));
    z.next_out = packed;
    z.avail_out = packed ? (uInt)deflateBound(&z, (uLong)len) : 0;
    if (!packed || deflate(&z, Z_FINISH) != Z_STREAM_END) {
        fputs("embed: a file can't be packed\n", stderr);
        exit(1);
    }
    *packed_len = z.total_out;
    (void)deflateEnd(&z);
    return packed;
}

static void print_array(const char *name, const char *kind, int index, const char *text, size_t len)
{
    printf("static const unsigned char %s_%s%d[] =\n", name, kind, index);
    print_quoted(text, len);
    fputs(";\n", stdout);
}

static void embed_files(const char *name, int count, char **paths, int packed)
{
    fputs("/* Made by toolchain/embed. */\n#include <stddef.h>\n", stdout);
    printf("struct %s_file {\n    const char *path;\n    const unsigned char *data;\n"
           "    size_t len;\n%s};\n",
           name, packed ? "    const unsigned char *packed;\n    size_t packed_len;\n" : "");
    for (int i = 0; i < count; i++) {
        size_t len;
        char *text = read_whole(paths[i], &len);
        print_array(name, "", i, text, len);
        if (packed) {
            unsigned char *small = pack(text, len, &len);
            print_array(name, "packed_", i, (const char *)small, len);
            free(small);
        }
        free(text);
    }
    printf("static const struct %s_file %s_files[] = {\n", name, name);
    for (int i = 0; i < count; i++) {
        const char *base = strrchr(paths[i], '/');
        printf("    {\"%s\", %s_%d, sizeof %s_%d - 1", base ? base + 1 : paths[i], name, i, name,
               i);
        if (packed)
            printf(", %s_packed_%d, sizeof %s_packed_%d - 1", name, i, name, i);
        fputs("},\n", stdout);
    }
    fputs("};\n", stdout);
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "sql") == 0)
        embed_sql(argv[2], argc - 3, argv + 3);
    else if (argc >= 4 && strcmp(argv[1], "files") == 0)
        embed_files(argv[2], argc - 3, argv + 3, 0);
    else if (argc >= 4 && strcmp(argv[1], "pages") == 0)
        embed_files(argv[2], argc - 3, argv + 3, 1);
    else {
        fputs("usage: embed sql|files|pages NAME FILE...\n", stderr);
        return 2;
    }
    return 0;
}
