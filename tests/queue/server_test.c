/* The private redis-server: found, shared, started again, stopped. */
#include "fixture.h"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "io/process.h"

static char error[REDIS_SERVER_ERROR_MAX];

static void cleanup(void)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void cli(const char *words, char *answer, size_t cap)
{
    char command[300];

    snprintf(command, sizeof(command), "redis-cli -s %s %s", redis_server_url(server) + 5, words);
    FILE *f = popen(command, "r");

    answer[0] = 0;
    if (!fgets(answer, (int)cap, f))
        answer[0] = 0;
    pclose(f);
    answer[strcspn(answer, "\n")] = 0;
}

Test(redis_server, keeps_its_data_over_a_stop, .fini = cleanup)
{
    char answer[64];

    start_server();
    cli("SET a 1", answer, sizeof(answer));
    cr_assert_str_eq(answer, "OK");
    pid_t first = redis_server_pid(server);

    cr_assert(process_running(first));
    redis_server_close(server);
    cr_assert(!process_running(first));
    start_server();
    cr_assert_neq(redis_server_pid(server), first);
    cli("GET a", answer, sizeof(answer));
    cr_assert_str_eq(answer, "1");
    cli("CONFIG GET port", answer, sizeof(answer));
    redis_server_close(server);
}

Test(redis_server, is_shared_by_engines_of_one_folder, .fini = cleanup)
{
    struct redis_server *second;

    start_server();
    cr_assert_eq(redis_server_open(&second, folder, error), OK, "%s", error);
    cr_assert_eq(redis_server_pid(second), redis_server_pid(server));
    cr_assert_str_eq(redis_server_url(second), redis_server_url(server));
    redis_server_close(second);
    cr_assert(process_running(redis_server_pid(server)), "stopped by one that does not own it");

    cr_assert_eq(redis_server_open(&second, folder, error), OK);
    redis_server_close(server); /* the owner goes; the other takes over */
    for (int i = 0; i < 300 && !process_running(redis_server_pid(second)); i++) {
        redis_server_revive(second);
        usleep(10000);
    }
    cr_assert(process_running(redis_server_pid(second)));
    redis_server_close(second);
}

static void *open_second(void *out)
{
    redis_server_open(out, folder, error);
    return NULL;
}

/* How many of this process's files are the lock. */
static int locks_open(void)
{
    char link[64], target[200];
    int n = 0;

    for (int fd = 0; fd < 64; fd++) {
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t len = readlink(link, target, sizeof(target) - 1);

        target[len > 0 ? len : 0] = 0;
        n += strstr(target, "/redis.lock") != NULL;
    }
    return n;
}

/* Whoever comes while the owner closes finds a server that is going, and nobody who starts one. */
Test(redis_server, an_owner_on_its_way_out_leaves_it_to_who_waits, .fini = cleanup)
{
    struct redis_server *second = NULL;
    pthread_t waiter;

    start_server();
    cr_assert_eq(kill(redis_server_pid(server), SIGKILL), 0);
    for (int i = 0; i < 1000 && process_running(redis_server_pid(server)); i++)
        usleep(5000);
    cr_assert_eq(pthread_create(&waiter, NULL, open_second, &second), 0);
    for (int i = 0; i < 1000 && locks_open() < 2; i++)
        usleep(5000);
    usleep(50000); /* it has found the lock taken by now; if not, the end is the same */
    redis_server_close(server);
    cr_assert_eq(pthread_join(waiter, NULL), 0);
    cr_assert_not_null(second, "%s", error);
    cr_assert(process_running(redis_server_pid(second)));
    redis_server_close(second);
}

/* As an engine that crashed would leave it, if the kernel had not told the server to go. */
Test(redis_server, one_left_behind_is_used_again, .fini = cleanup)
{
    char command[400], answer[32];

    start_server();
    redis_server_close(server);
    snprintf(command, sizeof(command),
             "redis-server --port 0 --unixsocket %s/redis.sock --pidfile %s/redis.pid --dir %s "
             "--daemonize yes --appendonly yes --save '' --logfile %s/redis.log",
             folder, folder, folder, folder);
    cr_assert_eq(system(command), 0);
    pid_t left = 0;
    char pid_file[100];

    snprintf(pid_file, sizeof(pid_file), "%s/redis.pid", folder);
    for (int i = 0; i < 1000 && left == 0; i++, usleep(5000)) {
        FILE *f = fopen(pid_file, "r");

        if (f && fscanf(f, "%d", &left) != 1)
            left = 0;
        if (f)
            fclose(f);
    }
    start_server();
    cr_assert_eq(redis_server_pid(server), left);
    cli("PING", answer, sizeof(answer));
    cr_assert_str_eq(answer, "PONG");
    redis_server_close(server);
    for (int i = 0; i < 500 && process_running(left); i++)
        usleep(10000);
    cr_assert(!process_running(left), "not stopped at the end");
}

/* The engine is killed; the next one starts at once, while the old server may be on its way out. */
Test(redis_server, starts_right_after_a_crash, .fini = cleanup)
{
    char answer[64];
    int status;

    strcpy(folder, "/tmp/peal-queue-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    for (int round = 0; round < 3; round++) {
        pid_t engine = fork();

        if (engine == 0) {
            start_server();
            cli("INCR rounds", answer, sizeof(answer));
            kill(getpid(), SIGKILL);
        }
        cr_assert_eq(waitpid(engine, &status, 0), engine);
        cr_assert(WIFSIGNALED(status));
    }
    start_server();
    cli("GET rounds", answer, sizeof(answer));
    cr_assert_str_eq(answer, "3");
    for (int i = 0; i < 50; i++) { /* and it stays: it is not the dying one */
        cr_assert(process_running(redis_server_pid(server)));
        usleep(10000);
    }
    redis_server_close(server);
}

Test(redis_server, dies_and_is_revived, .fini = cleanup)
{
    char answer[64];

    start_server();
    cli("SET a 1", answer, sizeof(answer));
    pid_t first = redis_server_pid(server);

    cr_assert_eq(kill(first, SIGKILL), 0);
    for (int i = 0; i < 500 && redis_server_pid(server) == first; i++) {
        redis_server_revive(server);
        usleep(10000);
    }
    cr_assert_neq(redis_server_pid(server), first);
    for (int i = 0; i < 500 && strcmp(answer, "1"); i++) {
        cli("GET a 2>/dev/null", answer, sizeof(answer));
        usleep(10000);
    }
    cr_assert_str_eq(answer, "1", "an acknowledged write is gone");
    redis_server_close(server);
}

Test(redis_server, a_deep_folder_gets_a_short_socket, .fini = cleanup)
{
    char deep[300];

    strcpy(folder, "/tmp/peal-queue-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(deep, sizeof(deep), "%s/%0*d", folder, 120, 1);
    cr_assert_eq(redis_server_open(&server, deep, error), OK, "%s", error);
    cr_assert_lt(strlen(redis_server_url(server)), 5 + 108);
    redis_server_close(server);
}

Test(redis_server, failures_are_sentences, .fini = cleanup)
{
    strcpy(folder, "/tmp/peal-queue-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(redis_server_open(&server, "/nonexistent/deep/folder", error), ERR_IO);
    cr_assert_not_null(strstr(error, "/nonexistent/deep/folder: No such file"), "%s", error);
    setenv("PATH", "/nonexistent", 1);
    cr_assert_eq(redis_server_open(&server, folder, error), ERR_NOT_FOUND);
    cr_assert_not_null(strstr(error, "redis-server"), "%s", error);
    cr_assert_not_null(strstr(error, "--redis URL"), "%s", error);
}

Test(redis_server, one_that_cannot_start_shows_its_last_words, .fini = cleanup)
{
    char aof[128];

    start_server();
    redis_server_close(server);
    snprintf(aof, sizeof(aof), "%s/appendonlydir/appendonly.aof.manifest", folder);
    FILE *f = fopen(aof, "w");

    cr_assert_not_null(f);
    fputs("rubbish\n", f);
    fclose(f);
    cr_assert_eq(redis_server_open(&server, folder, error), ERR_IO);
    cr_assert_not_null(strstr(error, "redis.log"), "%s", error);
}
