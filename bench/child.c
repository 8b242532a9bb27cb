/* Children: peers and our own programs under measurement. Output goes to an anonymous file, so a
 * child never waits for its reader; its end is waited for on a pidfd, so a limit costs nothing. A
 * child leads its own process group and is stopped together with what it started. */
#include "bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/cores.h"

#define STOP_GRACE_MS 1000

bool bench_find(const char *program, char *path, size_t cap)
{
    const char *at = getenv("PATH");

    if (strchr(program, '/'))
        return (size_t)snprintf(path, cap, "%s", program) < cap && access(path, X_OK) == 0;
    while (at && *at) {
        size_t len = strcspn(at, ":");

        if (len && (size_t)snprintf(path, cap, "%.*s/%s", (int)len, at, program) < cap &&
            access(path, X_OK) == 0)
            return true;
        at += len + (at[len] == ':');
    }
    return false;
}

/* Between fork and exec: only calls that are safe there. */
static void become(const char *path, const char *const argv[], const char *dir,
                   const cpu_set_t *cores, int output_fd, int failure_fd)
{
    int null_fd = open("/dev/null", O_RDONLY);
    int e;

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sched_setaffinity(0, sizeof(*cores), cores);
    if (null_fd >= 0 && dup2(null_fd, 0) >= 0 && dup2(output_fd, 1) >= 0 &&
        dup2(output_fd, 2) >= 0 && (!dir || chdir(dir) == 0)) {
        /* exec never writes to the strings; its prototype is older than const. */
        char *const *args;

        memcpy(&args, &argv, sizeof(args));
        execv(path, args);
    }
    e = errno;
    if (write(failure_fd, &e, sizeof(e)) < 0)
        _exit(126);
    _exit(127);
}

static bool fork_child(struct bench_child *c, const char *path, const char *const argv[],
                       const char *dir, int core)
{
    cpu_set_t cores = bench_core_set(core);
    int failure[2], e = 0;

    if (pipe2(failure, O_CLOEXEC) != 0)
        return false;
    c->pid = fork();
    if (c->pid == 0)
        become(path, argv, dir, &cores, c->output_fd, failure[1]);
    e = c->pid < 0 ? errno : 0;
    close(failure[1]);
    /* Closed by a successful exec without a word. */
    if (c->pid > 0 && read(failure[0], &e, sizeof(e)) == (ssize_t)sizeof(e))
        waitpid(c->pid, NULL, 0);
    close(failure[0]);
    errno = e;
    return e == 0;
}

bool bench_child_start(struct bench_child *c, const char *const argv[], const char *dir, int core)
{
    char path[4096];

    *c = (struct bench_child){.output_fd = -1};
    if (!bench_find(argv[0], path, sizeof(path))) {
        bench_note("%s is not installed (not found in $PATH)", argv[0]);
        return false;
    }
    c->output_fd = memfd_create("output", MFD_CLOEXEC);
    c->started_us = bench_now_us();
    if (c->output_fd < 0 || !fork_child(c, path, argv, dir, core)) {
        bench_note("%s could not be started: %s", path, strerror(errno));
        if (c->output_fd >= 0)
            close(c->output_fd);
        *c = (struct bench_child){.output_fd = -1};
        return false;
    }
    return true;
}

static bool ends_within(pid_t pid, int64_t ms)
{
    siginfo_t info = {0};
    struct pollfd p = {.fd = pidfd_open(pid, 0), .events = POLLIN};

    if (p.fd < 0)
        return true; /* waiting will tell */
    if (ms > 0)
        while (poll(&p, 1, ms > INT32_MAX ? INT32_MAX : (int)ms) < 0 && errno == EINTR)
            ;
    close(p.fd);
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid == pid;
}

bool bench_child_running(struct bench_child *c)
{
    return c->pid > 0 && !ends_within(c->pid, 0);
}

static void read_output(int fd, struct bench_result *r)
{
    off_t size = lseek(fd, 0, SEEK_END), from = 0;
    size_t want;

    if (size > (off_t)BENCH_OUTPUT_MAX)
        from = size - (off_t)BENCH_OUTPUT_MAX;
    want = size > 0 ? (size_t)(size - from) : 0;
    r->output = malloc(want + 1);
    if (!r->output) {
        fputs("no memory for a child's output\n", stderr);
        abort();
    }
    while (r->output_len < want) {
        ssize_t n =
            pread(fd, r->output + r->output_len, want - r->output_len, from + (off_t)r->output_len);

        if (n <= 0)
            break;
        r->output_len += (size_t)n;
    }
    r->output[r->output_len] = '\0';
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void collect(struct bench_child *c, struct bench_result *r)
{
    struct rusage use = {0};
    siginfo_t info;
    int status = 0;

    while (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        ;
    /* What it started and left behind, while its number is still its own. */
    kill(-c->pid, SIGKILL);
    while (wait4(c->pid, &status, 0, &use) < 0 && errno == EINTR)
        ;
    r->wall_s = (double)(bench_now_us() - c->started_us) / 1e6;
    r->cpu_s = seconds(use.ru_utime) + seconds(use.ru_stime);
    r->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    r->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    read_output(c->output_fd, r);
    close(c->output_fd);
    *c = (struct bench_child){.output_fd = -1};
}

static void stop(struct bench_child *c)
{
    kill(-c->pid, SIGTERM);
    kill(-c->pid, SIGCONT);
    if (!ends_within(c->pid, STOP_GRACE_MS))
        kill(-c->pid, SIGKILL);
}

void bench_child_wait(struct bench_child *c, double limit_s, struct bench_result *r)
{
    *r = (struct bench_result){.exit_code = -1};
    if (c->pid <= 0)
        return;
    r->ended = ends_within(c->pid, (int64_t)(limit_s * 1000));
    if (!r->ended)
        stop(c);
    collect(c, r);
}

void bench_child_stop(struct bench_child *c, struct bench_result *r)
{
    bench_child_wait(c, 0, r);
}

void bench_result_free(struct bench_result *r)
{
    free(r->output);
    r->output = NULL;
    r->output_len = 0;
}
