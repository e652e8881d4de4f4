#include "agent/cli/cli.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "provisioning/key.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORD_MAX = 4096, OPEN_FOLDERS = 16, BLOCK = 4096, REASON_LEAST = 3 };

/*
 * What was wiped and why: written first, so that a wipe that was cut goes on without asking again,
 * and kept under the other name, so that whoever unpacks the box sees what it was.
 */
static const char begun_name[] = "wiping.json";
static const char record_name[] = "wiped.json";

static void write_stream(struct jsonw *w, enum stream stream,
                         const struct eventlog_stream_status *status)
{
    char log[ID_TEXT + 1];
    id_format(&status->log, log);
    jsonw_object(w, stream_name(stream));
    jsonw_text(w, "log_id", log);
    jsonw_int(w, "head", status->head);
    jsonw_int(w, "through", status->through);
    jsonw_end(w);
}

static enum err write_record(const char *path, const struct eventlog_status *status,
                             const char *reason, int64_t now_ms, struct fault *fault)
{
    struct buf out CLEANUP(buf_free);
    buf_init(&out, RECORD_MAX);
    struct jsonw w = jsonw_to(&out);
    jsonw_object(&w, NULL);
    jsonw_time(&w, "time", now_ms);
    jsonw_text(&w, "reason", reason);
    for (size_t i = 0; i < STREAMS_OF_APPLIANCE; i++)
        write_stream(&w, (enum stream)i, &status->streams[i]);
    jsonw_end(&w);
    enum err err = buf_check(&out, fault, record_name);
    return err ? err : storage_replace(path, buf_slice(&out), 0600, fault);
}

/* --- Removing -------------------------------------------------------------------------------- */

/* A file that is only unlinked can be read from the disk; on flash, perhaps, even so. */
static int overwrite(const char *path, off_t size)
{
    static const char zeros[BLOCK];
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -1;
    int code = 0;
    for (off_t done = 0; !code && done < size; done += BLOCK)
        code = write(fd, zeros, BLOCK) == BLOCK ? 0 : -1;
    if (!code)
        code = fdatasync(fd);
    (void)close(fd);
    return code;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_kept(const char *name)
{
    return strcmp(name, begun_name) == 0 || strcmp(name, "lock") == 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    if (place->level == 0 || (place->level == 1 && is_kept(base_name(path))))
        return 0;
    if (kind == FTW_DP)
        return rmdir(path);
    /*
     * A file that has another hard link elsewhere is not only ours: it is unlinked, not
     * overwritten.
     */
    if (kind == FTW_F && info->st_nlink == 1 && overwrite(path, info->st_size) != 0)
        return -1;
    return unlink(path);
}

static enum err remove_below(const char *folder, struct fault *fault)
{
    if (access(folder, F_OK) != 0)
        return ERR_OK;
    return nftw(folder, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS) == 0
               ? ERR_OK
               : fault_errno(fault, errno, folder, "wiping");
}

/* Those in a token: while the files still name them. */
static enum err destroy_keys(const char *identity, struct fault *fault)
{
    static const char *const names[] = {"current.pem", "next.pem"};
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < sizeof names / sizeof *names; i++) {
        char path[PATH_MAX];
        err = storage_path(path, sizeof path, identity, names[i])
                  ? fault_set(fault, ERR_TOO_LARGE, identity, "the path is too long")
                  : key_destroy(path, fault);
    }
    return err;
}

/* Keys first: without them nobody speaks for this appliance, whatever is left of the rest. */
static enum err remove_all(const char *state, bool forced, struct fault *fault)
{
    char identity[PATH_MAX];
    if (storage_path(identity, sizeof identity, state, "identity") != ERR_OK)
        return fault_set(fault, ERR_TOO_LARGE, state, "the path is too long");
    enum err err = destroy_keys(identity, fault);
    if (!err || forced) /* a token that is broken or gone */
        err = remove_below(identity, fault);
    if (!err)
        err = remove_below(state, fault);
    return err ? err : storage_sync_folder(state, fault);
}

/* --- Judging --------------------------------------------------------------------------------- */

static enum err read_status(const char *state, struct eventlog_status *status, struct fault *fault)
{
    struct cli_log log CLEANUP(cli_log_cleanup) = {0};
    enum err err = cli_log_open(&log, state, fault);
    return err ? err : eventlog_reader_status(log.reader, status, fault);
}

static bool has_log(const char *state)
{
    char path[PATH_MAX];
    return storage_path(path, sizeof path, state, "tillback.db") == ERR_OK &&
           access(path, F_OK) == 0;
}

static bool is_forced(const struct cli *cli)
{
    for (int i = 0; i < cli->argc; i++)
        if (strcmp(cli->argv[i], "--force") == 0)
            return true;
    return false;
}

static enum err judge(const struct eventlog_status *status, struct fault *fault)
{
    int64_t waiting = 0;
    for (size_t i = 0; i < STREAMS_OF_APPLIANCE; i++)
        waiting += status->streams[i].head - status->streams[i].through;
    return waiting ? fault_set(fault, ERR_REFUSED, "wipe",
                               "%lld events are not at the hub yet: connect the appliance, or give "
                               "--force and --reason, and they are lost",
                               (long long)waiting)
                   : ERR_OK;
}

/*
 * Refuses while events wait for the hub. With --force even a log that can't be read is no reason to
 * refuse.
 */
static enum err look(const struct cli *cli, const char *reason, struct eventlog_status *status,
                     struct fault *fault)
{
    bool forced = is_forced(cli);
    if (forced && (!reason || strlen(reason) < REASON_LEAST))
        return fault_set(fault, ERR_INVALID, "--reason", "must say why");
    if (!has_log(cli->state))
        return ERR_OK;
    enum err err = read_status(cli->state, status, fault);
    if (forced)
        return ERR_OK;
    return err ? err : judge(status, fault);
}

static enum err record_wipe(const struct cli *cli, const char *begun, struct fault *fault)
{
    struct eventlog_status status = {.hub_epoch = 0};
    struct clock *clock;
    const char *reason = cli_option(cli, "--reason");
    enum err err = look(cli, reason, &status, fault);
    if (!err)
        err = clock_open(&clock, 0, fault);
    if (err)
        return err;
    err = write_record(begun, &status, reason ? reason : "", clock_wall_ms(clock), fault);
    clock_close(clock);
    return err;
}

static enum err wipe(const struct cli *cli, struct fault *fault)
{
    char begun[PATH_MAX];
    char record[PATH_MAX];
    if (storage_path(begun, sizeof begun, cli->state, begun_name) != ERR_OK ||
        storage_path(record, sizeof record, cli->state, record_name) != ERR_OK)
        return fault_set(fault, ERR_TOO_LARGE, cli->state, "the path is too long");
    enum err err = access(begun, F_OK) == 0 ? ERR_OK : record_wipe(cli, begun, fault);
    if (!err)
        err = remove_all(cli->state, is_forced(cli), fault);
    if (!err && rename(begun, record) != 0)
        err = fault_errno(fault, errno, begun, "wiping");
    return err ? err : storage_sync_folder(cli->state, fault);
}

enum cli_exit cli_wipe(struct cli *cli)
{
    struct fault fault = {0};
    int lock;
    if (!cli->state)
        return cli_usage("give the appliance's state directory: --state DIR");
    if (storage_lock(cli->state, &lock, &fault) != ERR_OK)
        return cli_fail(&fault);
    enum err err = wipe(cli, &fault);
    storage_unlock(lock);
    if (err)
        return cli_fail(&fault);
    puts(cli->json ? "{\"wiped\":true}"
                   : "Wiped. wiped.json says when and why; the hub's: device retire ID");
    return CLI_FINE;
}
