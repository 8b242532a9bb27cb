/* Where the key of sealed recordings comes from. Its bytes reach no message and no log. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "media/seal.h"
#include "media/srtp_crypto.h"

#define TEXT_MAX 256

extern char **environ;

static int hex(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool from_hex(struct seal_key *out, const uint8_t *text, size_t len)
{
    while (len && isspace(text[0])) {
        text++;
        len--;
    }
    while (len && isspace(text[len - 1]))
        len--;
    if (len != 2 * SEAL_KEY_BYTES)
        return false;
    for (size_t i = 0; i < SEAL_KEY_BYTES; i++) {
        int high = hex(text[2 * i]), low = hex(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* A hash of another text than anything else here is made of, cut in half. */
static bool name_it(struct seal_key *k)
{
    static const char about[] = "peal recording key id 1";
    uint8_t in[sizeof(about) + SEAL_KEY_BYTES], hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    memcpy(in, about, sizeof(about));
    memcpy(in + sizeof(about), k->bytes, SEAL_KEY_BYTES);
    bool ok = EVP_Digest(in, sizeof(in), hash, &n, EVP_sha256(), NULL) > 0;
    memcpy(k->id, hash, SEAL_KEY_ID_BYTES);
    OPENSSL_cleanse(in, sizeof(in));
    return ok;
}

enum err seal_key_parse(struct seal_key *out, const uint8_t *text, size_t len)
{
    if (!from_hex(out, text, len)) {
        if (len != SEAL_KEY_BYTES) {
            seal_key_wipe(out);
            return ERR_INVALID;
        }
        memcpy(out->bytes, text, SEAL_KEY_BYTES);
    }
    return name_it(out) ? OK : ERR_NOMEM;
}

static enum err parse(struct seal_key *out, uint8_t *text, size_t len, const char *from,
                      char *error)
{
    enum err e = seal_key_parse(out, text, len);

    OPENSSL_cleanse(text, TEXT_MAX);
    if (e)
        snprintf(error, SEAL_ERROR_MAX,
                 "%.150s: not a key; it must be 32 bytes, or 64 hexadecimal digits", from);
    return e;
}

enum err seal_key_file(struct seal_key *out, const char *path, char *error)
{
    uint8_t text[TEXT_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
    int why = errno;

    if (fd >= 0)
        close(fd);
    if (n < 0) {
        snprintf(error, SEAL_ERROR_MAX, "%.150s: the key cannot be read (%.60s)", path,
                 strerror(why));
        return why == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    return parse(out, text, (size_t)n, path, error);
}

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* What it prints, until it closes its output; false: the time is over. */
static bool hear(int fd, uint8_t *text, size_t *len)
{
    uint64_t end_ms = now_ms() + SEAL_COMMAND_MAX_MS;

    *len = 0;
    for (uint64_t now = now_ms(); now < end_ms; now = now_ms()) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        if (poll(&p, 1, (int)(end_ms - now)) <= 0)
            continue;
        ssize_t n = read(fd, text + *len, TEXT_MAX - *len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || (*len += (size_t)n) == TEXT_MAX)
            return true;
    }
    return false;
}

static int start(const char *command, int out, pid_t *pid)
{
    char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, (char *)(uintptr_t)command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
    int rc = posix_spawn(pid, argv[0], &actions, &attr, argv, environ);

    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

enum err seal_key_command(struct seal_key *out, const char *command, char *error)
{
    uint8_t text[TEXT_MAX];
    size_t len = 0;
    int pipes[2], status = 0;
    pid_t pid = -1;

    if (pipe2(pipes, O_CLOEXEC) != 0)
        return ERR_IO;
    int rc = start(command, pipes[1], &pid);
    close(pipes[1]);
    bool told = rc == 0 && hear(pipes[0], text, &len);
    close(pipes[0]);
    if (rc == 0) {
        if (!told)
            kill(-pid, SIGKILL); /* its own group: whatever it started, too */
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    if (rc || !told || !WIFEXITED(status) || WEXITSTATUS(status)) {
        OPENSSL_cleanse(text, sizeof(text));
        snprintf(error, SEAL_ERROR_MAX, "the command of the recordings' key %s",
                 rc      ? "cannot be started"
                 : !told ? "gave no key within 10 s"
                         : "failed; run it by hand to see why");
        return told ? ERR_INVALID : ERR_TIMEOUT;
    }
    return parse(out, text, len, "the command of the recordings' key", error);
}

void seal_key_wipe(struct seal_key *k)
{
    OPENSSL_cleanse(k, sizeof(*k));
}

void seal_key_id_text(const uint8_t id[SEAL_KEY_ID_BYTES], char text[2 * SEAL_KEY_ID_BYTES + 1])
{
    for (int i = 0; i < SEAL_KEY_ID_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", id[i]);
}
