#include "io/process.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/limits.h"

static uint64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static bool ends_within(pid_t pid, uint64_t limit_ms)
{
    for (uint64_t end = now_ms() + limit_ms; now_ms() < end; usleep(2000))
        if (!process_running(pid))
            return true;
    return false;
}

Test(process, output_goes_to_the_log)
{
    const char *const argv[] = {"sh", "-c", "echo out; echo err >&2", NULL};
    char path[] = "/tmp/peal-process-XXXXXX", text[64] = "";
    pid_t pid;
    int fd = mkstemp(path);

    cr_assert_eq(process_start(&pid, argv, path), OK);
    cr_assert(ends_within(pid, 5000));
    cr_assert_eq(read(fd, text, sizeof(text) - 1), 8);
    cr_assert_str_eq(text, "out\nerr\n");
    close(fd);
    unlink(path);
}

Test(process, a_missing_program_is_told_at_once)
{
    const char *const argv[] = {"/nonexistent/peal-test-program", NULL};
    pid_t pid = -1;

    cr_assert_eq(process_start(&pid, argv, NULL), ERR_NOT_FOUND);
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
    cr_assert_eq(errno, ECHILD, "a dead child was left behind");
}

Test(process, an_unwritable_log_is_told)
{
    const char *const argv[] = {"true", NULL};
    pid_t pid;

    cr_assert_eq(process_start(&pid, argv, "/nonexistent/log"), ERR_IO);
}

Test(process, stop_is_gentle_first)
{
    char path[] = "/tmp/peal-process-XXXXXX", text[64] = "";
    const char *const argv[] = {
        "sh", "-c", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done", NULL};
    pid_t pid;
    int fd = mkstemp(path);

    cr_assert_eq(process_start(&pid, argv, path), OK);
    for (int i = 0; i < 2000 && read(fd, text, 3) != 3; i++)
        usleep(1000);
    cr_assert(process_running(pid));
    process_stop(pid, 5000);
    cr_assert(!process_running(pid));
    cr_assert_eq(pread(fd, text, sizeof(text) - 1, 0), 7);
    cr_assert_str_eq(text, "up\nbye\n");
    close(fd);
    unlink(path);
}

Test(process, stop_is_firm_after_the_grace)
{
    char path[] = "/tmp/peal-process-XXXXXX", text[8];
    const char *const argv[] = {"sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.01; done",
                                NULL};
    pid_t pid;
    int fd = mkstemp(path);

    cr_assert_eq(process_start(&pid, argv, path), OK);
    for (int i = 0; i < 2000 && read(fd, text, 3) != 3; i++)
        usleep(1000);
    uint64_t start = now_ms();

    process_stop(pid, 100);
    cr_assert(!process_running(pid));
    cr_assert_geq(now_ms() - start, 95, "killed before the grace was over");
    close(fd);
    unlink(path);
}

Test(process, dies_with_its_parent_and_has_its_own_group)
{
    const char *const argv[] = {"sleep", "1000", NULL};
    int fds[2];
    pid_t pid, grandchild;

    cr_assert_eq(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        if (process_start(&grandchild, argv, NULL) == OK &&
            write(fds[1], &grandchild, sizeof(grandchild)) > 0)
            pause();
        _exit(1);
    }
    cr_assert_eq(read(fds[0], &grandchild, sizeof(grandchild)), (ssize_t)sizeof(grandchild));
    cr_assert(process_running(grandchild));
    cr_assert_eq(getpgid(grandchild), grandchild);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    /* Nobody may reap it here but init: a zombie counts as ended. */
    bool gone = false;

    for (int i = 0; i < 2000 && !gone; i++, usleep(1000)) {
        char name[64], line[256] = "";
        FILE *f;

        snprintf(name, sizeof(name), "/proc/%d/stat", (int)grandchild);
        f = fopen(name, "r");
        gone = !f || !fgets(line, sizeof(line), f) || strstr(line, ") Z") != NULL;
        if (f)
            fclose(f);
    }
    cr_assert(gone, "the child outlived its parent");
}

Test(limits, files_are_raised_or_the_truth_is_told)
{
    struct rlimit before;
    uint64_t got;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit low = {256, before.rlim_max};

    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    cr_assert_eq(limits_raise_files(200, &got), OK);
    cr_assert_eq(got, 256, "never lowered");
    cr_assert_eq(limits_raise_files(1000, &got), OK);
    cr_assert_eq(got, 1000);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    cr_assert_eq(before.rlim_cur, 1000);
    cr_assert_eq(limits_raise_files(UINT64_C(1) << 40, &got), ERR_REFUSED);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    cr_assert_eq(got, before.rlim_cur);
}
