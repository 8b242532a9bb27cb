/* fork and exec with the failure of exec brought back through a pipe that closes on exec. */
#include "io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

#define POLL_MS 5

static int open_log(const char *path)
{
    return path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
}

/* In the child: only async-signal-safe calls, for other threads may have held locks. */
static void child(const char *const argv[], pid_t parent, int log_fd, int report_fd)
{
    sigset_t none;
    int error;

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* it died before the prctl */
        _exit(1);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    int null_fd = open("/dev/null", O_RDONLY);

    if (null_fd >= 0)
        dup2(null_fd, STDIN_FILENO);
    if (log_fd >= 0) {
        dup2(log_fd, STDOUT_FILENO);
        dup2(log_fd, STDERR_FILENO);
    }
    execvp(argv[0], (char *const *)argv);
    error = errno;
    while (write(report_fd, &error, sizeof(error)) < 0 && errno == EINTR)
        ;
    _exit(127);
}

enum err process_start(pid_t *out, const char *const argv[], const char *log_path)
{
    int report[2], error = 0, log_fd = open_log(log_path);
    const pid_t parent = getpid();
    ssize_t n;

    if (log_path && log_fd < 0) {
        log_error("io", "cannot open the log of a child process", "path=%s error=\"%s\"", log_path,
                  strerror(errno));
        return ERR_IO;
    }
    if (pipe2(report, O_CLOEXEC)) {
        error = errno;
        goto fail;
    }
    pid_t pid = fork();

    if (pid == 0)
        child(argv, parent, log_fd, report[1]);
    if (pid < 0)
        error = errno;
    close(report[1]);
    do
        n = pid < 0 ? 0 : read(report[0], &error, sizeof(error));
    while (n < 0 && errno == EINTR);
    close(report[0]);
    if (pid > 0 && n > 0)
        waitpid(pid, NULL, 0);
    if (error)
        goto fail;
    if (log_fd >= 0)
        close(log_fd);
    *out = pid;
    return OK;
fail:
    if (log_fd >= 0)
        close(log_fd);
    log_error("io", "cannot start program", "program=%s error=\"%s\"", argv[0], strerror(error));
    return error == ENOENT ? ERR_NOT_FOUND : error == EACCES ? ERR_REFUSED : ERR_IO;
}

bool process_running(pid_t pid)
{

    if (pid <= 0)
        return false;
    /* A child of ours that has ended is reaped here; kill() alone would still find it. */
    pid_t rc = waitpid(pid, NULL, WNOHANG);

    if (rc == pid)
        return false;
    return kill(pid, 0) == 0 || errno == EPERM;
}

static bool wait_end(pid_t pid, unsigned limit_ms)
{
    const struct timespec nap = {0, POLL_MS * 1000000L};

    for (unsigned waited = 0; process_running(pid); waited += POLL_MS) {
        if (waited >= limit_ms)
            return false;
        nanosleep(&nap, NULL);
    }
    return true;
}

void process_stop(pid_t pid, unsigned grace_ms)
{
    if (!process_running(pid))
        return;
    kill(pid, SIGTERM);
    if (wait_end(pid, grace_ms))
        return;
    kill(pid, SIGKILL);
    wait_end(pid, 10000);
}
