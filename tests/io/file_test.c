#include "io/file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"

static struct loop loop;
static char folder[] = "/tmp/peal-file-XXXXXX";
static char path[128];
static struct file_result result;
static int closes;

static void setup(void)
{
    cr_assert_eq(loop_init(&loop, NULL), OK);
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/file", folder);
}

static void teardown(void)
{
    loop_fini(&loop);
    cr_assert_eq(loop.inflight, 0);
    unlink(path);
    rmdir(folder);
}

static void closed(void *arg, const struct file_result *r)
{
    (void)arg;
    result = *r;
    closes++;
}

static void wait_closed(int wanted)
{
    for (int i = 0; i < 500 && closes < wanted; i++)
        loop_turn(&loop, 10000);
    cr_assert_eq(closes, wanted, "the file never closed");
}

static size_t read_back(char *dst, size_t cap)
{
    FILE *f = fopen(path, "rb");

    cr_assert_not_null(f);
    size_t n = fread(dst, 1, cap, f);

    fclose(f);
    return n;
}

Test(file, writes_in_order_and_patches_the_front, .init = setup, .fini = teardown)
{
    static char plan[400000], back[500000];
    struct file *f;
    struct rng rng;
    size_t at = 0;

    rng_seed(&rng, 3);
    for (size_t i = 0; i < sizeof(plan); i++)
        plan[i] = (char)rng_below(&rng, 256);
    cr_assert_eq(file_open(&f, &loop, path), OK);
    while (at < sizeof(plan)) {
        size_t part = 1 + rng_below(&rng, 3000);

        part = part > sizeof(plan) - at ? sizeof(plan) - at : part;
        cr_assert_eq(file_write(f, plan + at, part), OK);
        at += part;
        if (rng_below(&rng, 4) == 0)
            loop_turn(&loop, 0);
    }
    file_patch(f, "PATCHED!", 8);
    file_close(f, closed, NULL);
    cr_assert_eq(closes, 0, "closed before file_close returned");
    wait_closed(1);
    cr_assert_eq(result.err, OK);
    cr_assert_eq(result.written, sizeof(plan));
    cr_assert_eq(result.lost, 0);
    memcpy(plan, "PATCHED!", 8);
    cr_assert_eq(read_back(back, sizeof(back)), sizeof(plan));
    cr_assert_eq(memcmp(plan, back, sizeof(plan)), 0);
}

Test(file, a_line_reaches_the_disk_without_a_close, .init = setup, .fini = teardown)
{
    struct file *f;
    char back[64] = "";

    cr_assert_eq(file_open(&f, &loop, path), OK);
    file_write(f, "one\n", 4);
    for (int i = 0; i < 300 && strcmp(back, "one\n"); i++) {
        loop_turn(&loop, 10000);
        if (access(path, R_OK) == 0)
            read_back(back, sizeof(back) - 1);
    }
    cr_assert_str_eq(back, "one\n");
    file_write(f, "two\n", 4);
    for (int i = 0; i < 300 && strcmp(back, "one\ntwo\n"); i++) {
        loop_turn(&loop, 10000);
        read_back(back, sizeof(back) - 1);
    }
    cr_assert_str_eq(back, "one\ntwo\n");
    file_close(f, closed, NULL);
    wait_closed(1);
    cr_assert_eq(result.written, 8);
}

Test(file, a_full_queue_refuses_and_counts, .init = setup, .fini = teardown)
{
    static char block[1000];
    struct file *f;
    uint64_t taken = 0, refused = 0;

    cr_assert_eq(file_open(&f, &loop, path), OK);
    for (int i = 0; i < 1000; i++) { /* the loop does not turn: nothing leaves the queue */
        enum err e = file_write(f, block, sizeof(block));

        cr_assert(e == OK || e == ERR_FULL);
        *(e ? &refused : &taken) += sizeof(block);
    }
    cr_assert_leq(taken, FILE_QUEUE_MAX);
    cr_assert_gt(taken, FILE_QUEUE_MAX - 2000);
    file_close(f, closed, NULL);
    wait_closed(1);
    cr_assert_eq(result.err, OK);
    cr_assert_eq(result.written, taken);
    cr_assert_eq(result.lost, refused);
}

Test(file, a_full_disk_is_reported, .init = setup, .fini = teardown)
{
    static char block[FILE_CHUNK];
    struct file *f;

    cr_assert_eq(file_open(&f, &loop, "/dev/full"), OK);
    for (int i = 0; i < 4; i++)
        file_write(f, block, sizeof(block));
    for (int i = 0; i < 20; i++)
        loop_turn(&loop, 5000);
    cr_assert_eq(file_write(f, block, 100), ERR_IO, "writes after the failure are refused");
    file_patch(f, "x", 1);
    file_close(f, closed, NULL);
    wait_closed(1);
    cr_assert_eq(result.err, ERR_IO);
    cr_assert_eq(result.sys_errno, ENOSPC);
    cr_assert_eq(result.written, 0);
    cr_assert_eq(result.lost, 4 * FILE_CHUNK + 100);
}

Test(file, a_folder_that_is_not_there_is_reported, .init = setup, .fini = teardown)
{
    struct file *f;
    char wrong[160];

    snprintf(wrong, sizeof(wrong), "%s/none/file", folder);
    cr_assert_eq(file_open(&f, &loop, wrong), OK);
    file_write(f, "abc", 3);
    file_close(f, closed, NULL);
    wait_closed(1);
    cr_assert_eq(result.err, ERR_NOT_FOUND);
    cr_assert_eq(result.sys_errno, ENOENT);
    cr_assert_eq(result.lost, 3);
}

Test(file, an_unwritable_folder_is_reported)
{
    struct file *f;

    setup();
    cr_assert_eq(chmod(folder, 0555), 0);
    if (geteuid() == 0) { /* root may write anywhere: the loop's kernel side must be nobody too */
        loop_fini(&loop);
        cr_assert_eq(seteuid(65534), 0);
        cr_assert_eq(loop_init(&loop, NULL), OK);
    }
    cr_assert_eq(file_open(&f, &loop, path), OK);
    file_write(f, "abc", 3);
    file_close(f, closed, NULL);
    wait_closed(1);
    cr_assert_eq(result.err, ERR_REFUSED);
    cr_assert_eq(result.sys_errno, EACCES);
    cr_assert_eq(result.lost, 3);
    if (getuid() == 0)
        cr_assert_eq(seteuid(0), 0);
    teardown();
}

Test(file, closing_an_empty_file_makes_it, .init = setup, .fini = teardown)
{
    struct file *f;
    char back[8];

    cr_assert_eq(file_open(&f, &loop, path), OK);
    file_close(f, NULL, NULL);
    for (int i = 0; i < 200 && loop.inflight > 1; i++)
        loop_turn(&loop, 10000);
    cr_assert_eq(read_back(back, sizeof(back)), 0);
}

/* Stops this process and lets it go on, as a shell or a debugger does. */
static void stop_and_go_on(void)
{
    pid_t whom = getpid(), pid = fork();
    int status;

    cr_assert_geq(pid, 0);
    if (pid == 0) {
        kill(whom, SIGSTOP);
        usleep(20000);
        kill(whom, SIGCONT);
        _exit(0);
    }
    while (waitpid(pid, &status, 0) < 0)
        ;
}

/* The open of a pipe that nobody reads yet hangs, as that of a file on a disk that is away. */
Test(file, a_stop_does_not_end_an_open_that_hangs, .init = setup, .fini = teardown)
{
    struct file *f;
    char got[8] = "";

    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(file_open(&f, &loop, path), OK);
    for (int i = 0; i < 5; i++) {
        loop_turn(&loop, 10000);
        stop_and_go_on();
    }
    cr_assert_eq(file_write(f, "word", 4), OK);
    file_close(f, closed, NULL);
    loop_turn(&loop, 10000);
    cr_assert_eq(closes, 0, "nobody reads yet");
    int in = open(path, O_RDONLY | O_NONBLOCK);

    wait_closed(1);
    cr_expect_eq(result.err, OK);
    cr_expect_eq(result.written, 4);
    cr_expect_eq(read(in, got, sizeof(got)), 4);
    cr_expect_str_eq(got, "word");
    close(in);
}
