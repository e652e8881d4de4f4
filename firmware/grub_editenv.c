/* grub-editenv: what the updater calls to read and write the boot loader's environment block. The
 * words are those of GRUB's program of the same name; the writing is not, see firmware/grubenv.h.
 */
#include "firmware/grubenv.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

enum { EXIT_FINE = 0, EXIT_PROBLEM = 1, EXIT_USAGE = 2 };

static int fail(const struct fault *fault)
{
    fprintf(stderr, "grub-editenv: %s: %s\n", fault->where, fault->text);
    return EXIT_PROBLEM;
}

static void print(void *context, const char *text)
{
    (void)context;
    puts(text);
}

static int list(const char *path)
{
    struct grubenv env;
    struct fault fault = {0};
    if (grubenv_read(&env, path, &fault) != ERR_OK)
        return fail(&fault);
    grubenv_each(&env, print, NULL);
    return EXIT_FINE;
}

/* Until this program ends: what two set at the same time, each beside what it has read, is both
 * kept. A file that can't be opened is for grubenv_read() to tell of. */
static void lock(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0)
        (void)flock(file, LOCK_EX);
}

/* `words` are NAME=VALUE. */
static int set(struct grubenv *env, const char *path, int count, char **words)
{
    struct fault fault = {0};
    for (int i = 0; i < count; i++) {
        char *value = strchr(words[i], '=');
        if (!value) {
            fprintf(stderr, "grub-editenv: %s: NAME=VALUE is wanted\n", words[i]);
            return EXIT_USAGE;
        }
        *value++ = '\0';
        if (grubenv_set(env, words[i], value, &fault) != ERR_OK)
            return fail(&fault);
    }
    return grubenv_write(env, path, &fault) == ERR_OK ? EXIT_FINE : fail(&fault);
}

int main(int argc, char **argv)
{
    struct grubenv env;
    struct fault fault = {0};
    if (argc == 3 && strcmp(argv[2], "list") == 0)
        return list(argv[1]);
    if (argc >= 3 && strcmp(argv[2], "create") == 0) {
        grubenv_clear(&env);
        return set(&env, argv[1], argc - 3, argv + 3);
    }
    if (argc >= 4 && strcmp(argv[2], "set") == 0) {
        lock(argv[1]);
        if (grubenv_read(&env, argv[1], &fault) != ERR_OK)
            return fail(&fault);
        return set(&env, argv[1], argc - 3, argv + 3);
    }
    fputs("usage: grub-editenv FILE list | create [NAME=VALUE...] | set NAME=VALUE...\n", stderr);
    return EXIT_USAGE;
}
