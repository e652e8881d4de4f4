#include "agent/people/token.h"
#include "agent/returns/cardnumber.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/base/random.h"
#include "hal/base/sha256.h"
#include "hal/storage.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TOKEN_BYTES = 32, FILE_MAX_BYTES = 64 * 1024 };

static const char file_name[] = "tokens";
static const char told_name[] = "tokens.told";

struct token_row {
    struct sha256 hash;
    struct token_holder holder;
};

struct tokens {
    char path[PATH_MAX];
    char told_path[PATH_MAX];
    struct timespec changed; /* of the file as it was read last */
    ino_t inode;
    access_told *told; /* NULL: nobody asked */
    void *context;
    size_t count;
    struct token_row rows[TOKENS_MAX];
};

static enum err take_paths(struct tokens *tokens, const char *folder, struct fault *fault)
{
    enum err err = storage_path(tokens->path, sizeof tokens->path, folder, file_name);
    if (!err)
        err = storage_path(tokens->told_path, sizeof tokens->told_path, folder, told_name);
    return err ? fault_set(fault, err, folder, "the path is too long") : ERR_OK;
}

static bool word_fits(const char *word, size_t max)
{
    size_t len = strlen(word);
    return len > 0 && len <= max && strcspn(word, " \t\r\n") == len;
}

static enum err read_row(char *line, struct token_row *row)
{
    char *lane = strchr(line, ' ');
    char *name = lane ? strchr(lane + 1, ' ') : NULL;
    if (!name)
        return ERR_CORRUPT;
    *lane++ = '\0';
    *name++ = '\0';
    if (!word_fits(lane, TOKEN_LANE_MAX) || !word_fits(name, TOKEN_NAME_MAX) ||
        sha256_parse(slice_of(line), &row->hash) != ERR_OK)
        return ERR_CORRUPT;
    (void)snprintf(row->holder.lane, sizeof row->holder.lane, "%s", lane);
    (void)snprintf(row->holder.name, sizeof row->holder.name, "%s", name);
    return ERR_OK;
}

static enum err read_rows(struct tokens *tokens, const char *path, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, FILE_MAX_BYTES);
    tokens->count = 0;
    enum err err = storage_read(path, &text, fault);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (err)
        return err;
    char *rest = text.data;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (!*line)
            continue;
        if (tokens->count == TOKENS_MAX)
            return fault_set(fault, ERR_TOO_LARGE, path, "more than %d tokens", TOKENS_MAX);
        if (read_row(line, &tokens->rows[tokens->count]) != ERR_OK)
            return fault_set(fault, ERR_CORRUPT, path, "line %zu is not a token",
                             tokens->count + 1);
        tokens->count++;
    }
    return ERR_OK;
}

enum err tokens_open(struct tokens **out, const char *folder, struct fault *fault)
{
    struct tokens *tokens = calloc(1, sizeof *tokens);
    if (!tokens)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err = take_paths(tokens, folder, fault);
    if (!err)
        err = read_rows(tokens, tokens->path, fault);
    if (err) {
        tokens_close(tokens);
        return err;
    }
    *out = tokens;
    return ERR_OK;
}

void tokens_close(struct tokens *tokens)
{
    free(tokens);
}

static void write_rows(const struct tokens *tokens, struct buf *text)
{
    buf_init(text, FILE_MAX_BYTES);
    for (size_t i = 0; i < tokens->count; i++) {
        char hash[SHA256_TEXT + 1];
        sha256_format(&tokens->rows[i].hash, hash);
        buf_printf(text, "%s %s %s\n", hash, tokens->rows[i].holder.lane,
                   tokens->rows[i].holder.name);
    }
}

static enum err save(const struct tokens *tokens, const char *path, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    write_rows(tokens, &text);
    enum err err = buf_check(&text, fault, path);
    return err ? err : storage_replace(path, buf_slice(&text), 0600, fault);
}

/* --- Telling what has changed ------------------------------------------------------------------
 */

static bool has_token(const struct tokens *tokens, const struct sha256 *hash)
{
    for (size_t i = 0; i < tokens->count; i++)
        if (sha256_equal(&tokens->rows[i].hash, hash))
            return true;
    return false;
}

/* The tokens of the one list that the other hasn't. */
static size_t find_missing(const struct tokens *in, const struct tokens *from, enum access_act act,
                           struct access *acts)
{
    size_t count = 0;
    for (size_t i = 0; i < in->count; i++)
        if (!has_token(from, &in->rows[i].hash))
            acts[count++] = (struct access){
                .act = act, .person = "", .lane = in->rows[i].holder.lane, .by = ACCESS_BY_CLI};
    return count;
}

static void tell_changes(const struct tokens *before, const struct tokens *now)
{
    struct access acts[2 * TOKENS_MAX];
    struct buf then_text CLEANUP(buf_free);
    struct buf now_text CLEANUP(buf_free);
    write_rows(before, &then_text);
    write_rows(now, &now_text);
    size_t count = find_missing(now, before, ACCESS_TOKEN_ADDED, acts);
    count += find_missing(before, now, ACCESS_TOKEN_REMOVED, acts + count);
    const struct access_copy copy = {now->told_path, buf_slice(&then_text), buf_slice(&now_text)};
    if (count)
        now->told(now->context, acts, count, &copy);
}

enum err tokens_tell(struct tokens *tokens, access_told *told, void *context, struct fault *fault)
{
    bool damaged = read_rows(tokens, tokens->told_path, NULL) != ERR_OK;
    tokens->told = told;
    tokens->context = context;
    tokens->inode = 0;
    if (damaged)
        tokens->count = 0;
    enum err err = damaged ? save(tokens, tokens->told_path, fault) : ERR_OK;
    tokens_refresh(tokens);
    return err;
}

/* The file is replaced as a whole at each change, so a new inode or time means new content. */
void tokens_refresh(struct tokens *tokens)
{
    struct stat now;
    if (stat(tokens->path, &now) != 0)
        return;
    if (now.st_ino == tokens->inode && now.st_mtim.tv_sec == tokens->changed.tv_sec &&
        now.st_mtim.tv_nsec == tokens->changed.tv_nsec)
        return;
    struct tokens *fresh = malloc(sizeof *fresh);
    if (!fresh)
        return; /* at the next look */
    *fresh = *tokens;
    if (read_rows(fresh, fresh->path, NULL) == ERR_OK) {
        fresh->inode = now.st_ino;
        fresh->changed = now.st_mtim;
        if (tokens->told)
            tell_changes(tokens, fresh);
        *tokens = *fresh;
    }
    free(fresh);
}

enum err tokens_find(struct tokens *tokens, struct slice token, struct token_holder *holder)
{
    tokens_refresh(tokens);
    struct sha256 hash = sha256_of(token);
    for (size_t i = 0; i < tokens->count; i++)
        if (sha256_equal(&tokens->rows[i].hash, &hash)) {
            *holder = tokens->rows[i].holder;
            return ERR_OK;
        }
    return ERR_FORBIDDEN;
}

static enum err make_row(struct token_row *row, const char *lane, const char *name,
                         char token[static TOKEN_TEXT + 1])
{
    uint8_t bytes[TOKEN_BYTES];
    random_fill(NULL, bytes, sizeof bytes);
    struct buf text CLEANUP(buf_free);
    buf_init(&text, TOKEN_TEXT);
    base64_encode(&text, bytes, sizeof bytes, true);
    if (buf_check(&text, NULL, "") != ERR_OK)
        return ERR_NO_MEMORY;
    memcpy(token, text.data, TOKEN_TEXT + 1);
    row->hash = sha256_of(buf_slice(&text));
    (void)snprintf(row->holder.lane, sizeof row->holder.lane, "%s", lane);
    (void)snprintf(row->holder.name, sizeof row->holder.name, "%s", name);
    return ERR_OK;
}

enum err token_add(const char *folder, const char *lane, const char *name,
                   char token[static TOKEN_TEXT + 1], struct fault *fault)
{
    if (!word_fits(lane, TOKEN_LANE_MAX))
        return fault_set(fault, ERR_INVALID, "lane", "must be 1 to %d characters without spaces",
                         TOKEN_LANE_MAX);
    if (!word_fits(name, TOKEN_NAME_MAX))
        return fault_set(fault, ERR_INVALID, "name", "must be 1 to %d characters without spaces",
                         TOKEN_NAME_MAX);
    enum err card = cardnumber_refuse(name, "name", NULL, fault);
    if (card)
        return card;
    struct tokens *tokens;
    enum err err = tokens_open(&tokens, folder, fault);
    if (err)
        return err;
    if (tokens->count == TOKENS_MAX)
        err = fault_set(fault, ERR_TOO_LARGE, tokens->path, "there are %d tokens already",
                        TOKENS_MAX);
    else
        err = make_row(&tokens->rows[tokens->count++], lane, name, token);
    if (!err)
        err = save(tokens, tokens->path, fault);
    tokens_close(tokens);
    return err;
}

enum err token_remove(const char *folder, const char *name, struct fault *fault)
{
    struct tokens *tokens;
    enum err err = tokens_open(&tokens, folder, fault);
    if (err)
        return err;
    size_t kept = 0;
    for (size_t i = 0; i < tokens->count; i++)
        if (strcmp(tokens->rows[i].holder.name, name) != 0)
            tokens->rows[kept++] = tokens->rows[i];
    if (kept == tokens->count)
        err = fault_set(fault, ERR_NOT_FOUND, name, "no token has this name");
    tokens->count = kept;
    if (!err)
        err = save(tokens, tokens->path, fault);
    tokens_close(tokens);
    return err;
}

enum err token_list(const char *folder,
                    void (*visit)(void *context, const struct token_holder *holder), void *context,
                    struct fault *fault)
{
    struct tokens *tokens;
    enum err err = tokens_open(&tokens, folder, fault);
    if (err)
        return err;
    for (size_t i = 0; i < tokens->count; i++)
        visit(context, &tokens->rows[i].holder);
    tokens_close(tokens);
    return ERR_OK;
}
